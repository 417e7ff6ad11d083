"""Secrets that travel in links and cookies: made at random, kept only as a hash."""

import hashlib
import secrets


def new_token() -> str:
    """256 random bits that fit into a URL."""
    return secrets.token_urlsafe(32)


def hashed(token: str) -> str:
    """The form in which a token is kept; a fast hash is enough for what cannot be guessed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
