"""The canonical form of a problem and its hash, which a plan carries."""

import hashlib
import json


def canonical_text(document: object) -> str:
    """The one JSON text of a parsed document: sorted keys, no spaces, no defaults filled in."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_hash(document: object) -> str:
    """SHA-256 (hexadecimal) of the canonical JSON in UTF-8."""
    return text_hash(canonical_text(document))


def text_hash(canonical: str) -> str:
    """SHA-256 (hexadecimal) of a canonical text in UTF-8."""
    return hashlib.sha256(canonical.encode()).hexdigest()
