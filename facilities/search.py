"""How texts are folded for the full-text search, the same on every database: no accents, no case, words only."""

import re
import unicodedata
from typing import Final

LONGEST_QUERY: Final = 200
MOST_WORDS: Final = 8
_WORD = re.compile(r"[^\W_]+")


def folded(text: str) -> str:
    """'Università – Cryo-EM' → 'universita cryo em'."""
    return " ".join(words_of(text))


def words_of(text: str) -> list[str]:
    """The words of a text without accents and case, in their order."""
    decomposed = unicodedata.normalize("NFKD", text)
    plain = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    return _WORD.findall(plain.casefold())


def fts5_query(words: list[str]) -> str:
    """SQLite's query for texts that hold a word beginning with each of these."""
    return " AND ".join(f'"{word}"*' for word in words[:MOST_WORDS])


def tsquery(words: list[str]) -> str:
    """PostgreSQL's query for the same."""
    return " & ".join(f"{word}:*" for word in words[:MOST_WORDS])
