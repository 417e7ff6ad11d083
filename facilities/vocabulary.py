"""The catalogue's own words in Italian and English: one file, read once, looked up by code or by English text."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from core.i18n import either

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Term:
    """One word in both languages, with a unit where it names an amount."""

    it: str
    en: str
    unit: str = ""

    def text(self, language: str) -> str:
        """The word in one language."""
        return either(language, self.it, self.en)


@dataclass(frozen=True)
class Vocabulary:
    """Every list of words; the keys are the codes or English texts used by catalogue files."""

    techniques: Mapping[str, Term]
    instruments: Mapping[str, Term]
    kinds: Mapping[str, Term]
    specs: Mapping[str, Term]
    facility_access: Mapping[str, Term]
    instrument_access: Mapping[str, Term]
    access_types: Mapping[str, Term]
    booking_modes: Mapping[str, Term]
    operations: Mapping[str, Term]
    domains: Mapping[str, Term]
    fields: Mapping[str, Term]
    texts: Mapping[str, Term]
    configurations: Mapping[str, str]


@cache
def vocabulary() -> Vocabulary:
    """The shipped vocabulary."""
    lists = json.loads((DATA / "vocabulary.json").read_text(encoding="utf-8"))
    configurations = lists.pop("configurations")
    return Vocabulary(
        configurations=configurations,
        **{name: {key: _term(key, words) for key, words in terms.items()} for name, terms in lists.items()},
    )


def _term(key: str, words: str | dict[str, str]) -> Term:
    return Term(it=words, en=key) if isinstance(words, str) else Term(**words)


@dataclass(frozen=True)
class PanetTerm:
    """A technique of the Photon and Neutron Experimental Techniques ontology, in English."""

    label: str
    other_labels: tuple[str, ...]


@cache
def panet() -> Mapping[str, PanetTerm]:
    """PaNET's techniques by IRI."""
    with (DATA / "PaNET.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if row[1].startswith("http")]
    return {
        iri: PanetTerm(label, tuple(filter(None, others))) for _number, iri, label, *others in (r[:5] for r in rows)
    }


def say(terms: Mapping[str, Term], code: str, language: str) -> str:
    """The word for a code; an unknown code is shown as it is, with its underscores as spaces."""
    found = terms.get(code)
    return found.text(language) if found else code.replace("_", " ")


def say_text(text: str, language: str) -> str:
    """A short English text of a catalogue file in the reader's language, as it is when we have no translation."""
    found = vocabulary().texts.get(text)
    return found.text(language) if found else text
