"""Passwords: Argon2id hashes, and what makes a password too weak to be taken."""

from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core.errors import Invalid
from core.i18n import N_

LEAST, MOST = 10, 128
LEAST_DIFFERENT = 5

# OWASP Password Storage Cheat Sheet: Argon2id with 19 MiB, two passes, one lane.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)

# The most common passwords of public leaks that are long enough to pass the other rules.
_COMMON = frozenset(Path(__file__).with_name("common_passwords.txt").read_text(encoding="ascii").split())


def hash_of(password: str) -> str:
    """The form in which a password is kept; takes some 20 ms on purpose, so never call it in a transaction."""
    return _hasher.hash(_bytes(password))


def matches(password_hash: str, password: str) -> bool:
    """Whether it is the password; as slow for an account that does not exist ('') as for one that does."""
    try:
        _hasher.verify(password_hash or _nobodys_hash(), _bytes(password))
    except (VerificationError, InvalidHashError):
        return False
    return bool(password_hash)


def is_outdated(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


def check_strength(password: str, email: str, field: str = "password") -> None:
    """Refuse a weak password with Invalid on `field`: length, variety, well-known ones, the own address."""
    wanted = password.lower()
    own = (email, email.partition("@")[0])
    if len(password) < LEAST:
        raise Invalid(fields={field: N_("Please choose at least 10 characters.")})
    if len(password) > MOST:
        raise Invalid(fields={field: N_("Please choose at most 128 characters.")})
    if wanted in _COMMON or wanted in own or len(set(wanted)) < LEAST_DIFFERENT:
        raise Invalid(fields={field: N_("This password is too easy to guess.")})


def _bytes(password: str) -> bytes:
    return password[: 4 * MOST].encode("utf-8", "surrogatepass")


@cache
def _nobodys_hash() -> str:
    return _hasher.hash(b"nobody has this password")
