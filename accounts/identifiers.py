"""Identifiers that people type: e-mail addresses, ROR and ORCID with their checksums, and slugs made from names."""

import re
import unicodedata

from email_validator import EmailNotValidError, validate_email

from core.errors import Invalid
from core.i18n import N_

LONGEST_EMAIL = 254
_ROR = re.compile(r"(?:(?:https?://)?(?:www\.)?ror\.org/)?(0[0-9a-hjkmnp-tv-z]{6})([0-9]{2})/?", re.ASCII)
_ORCID = re.compile(
    r"(?:(?:https?://)?(?:www\.)?orcid\.org/)?([0-9]{4})-?([0-9]{4})-?([0-9]{4})-?([0-9]{3}[0-9x])/?", re.ASCII
)
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


def email_from(text: str) -> str:
    """The address in the one form in which it is kept (lower case); Invalid on the field `email`."""
    try:
        found = validate_email(text.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        raise Invalid(fields={"email": N_("This is not an e-mail address.")}) from None
    if len(found) > LONGEST_EMAIL:
        raise Invalid(fields={"email": N_("This is not an e-mail address.")})
    return found


def ror_from(text: str) -> str | None:
    """'https://ror.org/029gmnc79' from any usual way to write it; None from nothing; Invalid on the field `ror`.

    The last two digits are the ISO 7064 mod 97-10 checksum of the first seven signs read as Crockford's base 32
    (ROR documentation, "ROR identifier pattern").
    """
    if not text.strip():
        return None
    found = _ROR.fullmatch(text.strip().lower())
    if found is None:
        raise Invalid(fields={"ror": N_("A ROR id looks like https://ror.org/029gmnc79.")})
    number = 0
    for sign in found[1]:
        number = number * 32 + _CROCKFORD.index(sign)
    if 98 - number * 100 % 97 != int(found[2]):
        raise Invalid(fields={"ror": N_("The checksum of this ROR id is wrong: please look for a typing mistake.")})
    return f"https://ror.org/{found[1]}{found[2]}"


def orcid_from(text: str) -> str | None:
    """'0000-0002-1825-0097' from any usual way to write it; None from nothing; Invalid on the field `orcid`.

    The last sign is the ISO 7064 mod 11-2 checksum of the fifteen digits before it (ORCID documentation,
    "Structure of the ORCID identifier").
    """
    if not text.strip():
        return None
    found = _ORCID.fullmatch(text.strip().lower())
    if found is None:
        raise Invalid(fields={"orcid": N_("An ORCID iD looks like 0000-0002-1825-0097.")})
    groups = [group.upper() for group in found.groups()]
    signs = "".join(groups)
    total = 0
    for digit in signs[:-1]:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    if signs[-1] != ("X" if check == 10 else str(check)):
        raise Invalid(fields={"orcid": N_("The checksum of this ORCID iD is wrong: please look for a typing mistake.")})
    return "-".join(groups)


def slug_from(name: str, longest: int = 60) -> str:
    """'Università di Pavia' → 'universita-di-pavia'; never empty."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:longest].strip("-") or "organisation"
