"""Reads a JSON document field by field and collects every complaint with its place: file, entry and field."""

import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from core.errors import Invalid
from core.i18n import N_

T = TypeVar("T")
LARGEST_FILE: Final = 32 * 1024 * 1024
MOST_COMPLAINTS: Final = 50
SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


class CatalogueError(Invalid):
    """The document is not a catalogue; `complaints` says where and why, one line each."""

    default_code = "catalogue"

    def __init__(self, complaints: Collection[str]) -> None:
        self.complaints = tuple(complaints)
        super().__init__(N_("This file cannot be imported: %(complaints)s"), complaints="\n".join(self.complaints))


class Repeating(dict[str, Any]):
    """A JSON object that says which of its keys were written twice."""

    repeated: tuple[str, ...] = ()


def _object(pairs: list[tuple[str, Any]]) -> Repeating:
    made = Repeating(pairs)
    if len(made) < len(pairs):
        names = [name for name, _value in pairs]
        made.repeated = tuple(name for name in made if names.count(name) > 1)
    return made


def read_json(path: Path) -> Any:
    """The content of a JSON file in UTF-8; CatalogueError when it cannot be read or is none."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise CatalogueError([f"{path.name}: larger than {LARGEST_FILE // 1024**2} MiB"])
        return json.loads(path.read_bytes().decode("utf-8-sig"), object_pairs_hook=_object)
    except OSError as error:
        raise CatalogueError([f"{path.name}: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise CatalogueError([f"{path.name}: byte {error.start} is not UTF-8"]) from error
    except json.JSONDecodeError as error:
        where = f"{path.name}: line {error.lineno} column {error.colno}"
        raise CatalogueError([f"{where}: not valid JSON: {error.msg}"]) from error
    except RecursionError as error:
        raise CatalogueError([f"{path.name}: nested too deeply"]) from error
    except ValueError as error:  # a number with thousands of digits
        raise CatalogueError([f"{path.name}: not valid JSON: {str(error).split(';')[0]}"]) from error


class Complaints:
    """What is wrong with a document, in the order in which it was read."""

    def __init__(self, document: str) -> None:
        self.document = document
        self.lines: list[str] = []

    def add(self, place: str, what: str) -> None:
        """Note one fault."""
        self.lines.append(f"{self.document}: {place}: {what}" if place else f"{self.document}: {what}")

    def raise_any(self) -> None:
        """CatalogueError when there was a fault."""
        if len(self.lines) > MOST_COMPLAINTS:
            more = f"{self.document}: and {len(self.lines) - MOST_COMPLAINTS} more"
            raise CatalogueError([*self.lines[:MOST_COMPLAINTS], more])
        if self.lines:
            raise CatalogueError(self.lines)


class Entry:
    """One JSON object of the document. Each method reads one field once and gives a harmless value when it is bad."""

    def __init__(self, value: Any, place: str, complaints: Complaints) -> None:
        self.place = place
        self.complaints = complaints
        self._read: set[str] = set()
        self.value: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
        if not isinstance(value, Mapping):
            complaints.add(place, f"must be an object, not {_kind(value)}")
        for name in getattr(value, "repeated", ()):
            complaints.add(self.at(name), "stands here more than once")

    def at(self, field: str) -> str:
        """The place of a field."""
        shown = field if field.isascii() and field.isprintable() else json.dumps(field)
        if not self.place:
            return shown
        return f"{self.place} {shown}" if self.place.endswith('"') else f"{self.place}.{shown}"

    def has(self, field: str) -> bool:
        """Whether the field is there and not null."""
        self._read.add(field)
        return self.value.get(field) is not None

    def complain(self, field: str, what: str) -> None:
        """Note a fault of a field."""
        self.complaints.add(self.at(field), what)

    def text(self, field: str, longest: int) -> str:
        """A text that is not blank."""
        return self._checked(field, lambda value: text_fault(value, longest), "")

    def optional_text(self, field: str, longest: int) -> str:
        """The same, or an empty text when the field is absent or null."""
        return self.text(field, longest) if self.has(field) else ""

    def slug(self, field: str, longest: int = 80) -> str:
        """Lower-case letters, digits and single hyphens."""
        return self._checked(field, lambda value: _slug_fault(value, longest), "")

    def whole(self, field: str, least: int, most: int) -> int:
        """A whole number."""
        return self._checked(field, lambda value: _whole_fault(value, least, most), least)

    def optional_whole(self, field: str, least: int, most: int, otherwise: int) -> int:
        """The same, or `otherwise` when the field is absent or null."""
        return self.whole(field, least, most) if self.has(field) else otherwise

    def number(self, field: str, least: float, most: float) -> float:
        """A finite number."""
        return float(self._checked(field, lambda value: _number_fault(value, least, most), least))

    def optional_number(self, field: str, least: float, most: float, otherwise: float) -> float:
        """The same, or `otherwise` when the field is absent or null."""
        return self.number(field, least, most) if self.has(field) else otherwise

    def truth(self, field: str) -> bool:
        """true or false."""
        return self._checked(field, lambda v: "" if isinstance(v, bool) else f"must be true or false{_not(v)}", False)

    def choice(self, field: str, allowed: Collection[str]) -> str:
        """One of a list of words."""
        return self._checked(field, lambda value: _choice_fault(value, allowed), min(allowed))

    def items(self, field: str) -> list[Any]:
        """A list of anything; an absent one is a fault."""
        return list(self._checked(field, lambda v: "" if isinstance(v, list) else f"must be a list{_not(v)}", []))

    def texts(self, field: str, longest: int) -> list[str]:
        """A list of texts."""
        return self._each(field, lambda value: text_fault(value, longest))

    def choices(self, field: str, allowed: Collection[str]) -> list[str]:
        """A list of words, each of which is one of the allowed ones."""
        return self._each(field, lambda value: _choice_fault(value, allowed))

    def entry(self, field: str) -> "Entry":
        """An object inside this one."""
        self._read.add(field)
        return Entry(self.value.get(field, {}), self.at(field), self.complaints)

    def entries(self, field: str) -> list["Entry"]:
        """A list of objects; the place of each has its number and, where it has one, its slug."""
        return [
            Entry(value, f"{self.at(field)}[{number}]{_called(value)}", self.complaints)
            for number, value in enumerate(self.items(field))
        ]

    def finish(self) -> None:
        """Complain about every field that nobody asked for."""
        for field in self.value:
            if field not in self._read:
                self.complain(field, "unknown field")

    def _checked(self, field: str, fault_of: Callable[[Any], str], otherwise: T) -> T:
        self._read.add(field)
        if field not in self.value:
            self.complain(field, "is missing")
            return otherwise
        fault = fault_of(self.value[field])
        if fault:
            self.complain(field, fault)
            return otherwise
        good: T = self.value[field]
        return good

    def _each(self, field: str, fault_of: Callable[[Any], str]) -> list[str]:
        good = []
        for number, value in enumerate(self.items(field)):
            fault = fault_of(value) or ("stands here twice" if value in good else "")
            if fault:
                self.complain(f"{field}[{number}]", fault)
            else:
                good.append(value)
        return good


def text_fault(value: Any, longest: int) -> str:
    """Why this is not a text of at most `longest` signs that every database and page can hold."""
    if not isinstance(value, str):
        return f"must be a text{_not(value)}"
    if not value.strip():
        return "must not be blank"
    if bad := _UNPRINTABLE.search(value):
        return f"holds the sign U+{ord(bad[0]):04X}, which is no part of a text"
    return f"must have at most {longest} signs, it has {len(value)}" if len(value) > longest else ""


def number_fault(value: Any) -> str:
    """Why this is not a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"must be a number{_not(value)}"
    return "" if abs(value) < 1e15 and math.isfinite(value) else "must be a finite number"


def _number_fault(value: Any, least: float, most: float) -> str:
    outside = f"must be between {least:g} and {most:g}{_not(value)}"
    return number_fault(value) or ("" if least <= value <= most else outside)


def _whole_fault(value: Any, least: int, most: int) -> str:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        return f"must be a whole number ≥ {least}{_not(value)}"
    return f"must be at most {most}" if value > most else ""


def _slug_fault(value: Any, longest: int) -> str:
    if not isinstance(value, str) or not SLUG.fullmatch(value) or len(value) > longest:
        return f"must be lower-case letters, digits and single hyphens, at most {longest}{_not(value)}"
    return ""


def _choice_fault(value: Any, allowed: Collection[str]) -> str:
    known = isinstance(value, str) and value in allowed
    return "" if known else f"must be one of {', '.join(sorted(allowed))}{_not(value)}"


def _not(value: Any) -> str:
    """', not …': the value itself, shortened, in plain ASCII."""
    if isinstance(value, str | int | float | bool) or value is None:
        shown = json.dumps(value)
        return f", not {shown if len(shown) <= 40 else shown[:39] + '…'}"
    return f", not {_kind(value)}"


def _kind(value: Any) -> str:
    """What JSON calls a value of this type."""
    if isinstance(value, bool):
        return "a truth value"
    names = ((int | float, "a number"), (str, "a text"), (list, "a list"), (Mapping, "an object"))
    return next((name for kind, name in names if isinstance(value, kind)), "null")


def _called(value: Any) -> str:
    """' "slug"', so that people find the entry without counting."""
    slug = value.get("slug") if isinstance(value, Mapping) else None
    return f" {json.dumps(slug)}" if isinstance(slug, str) and len(slug) <= 80 else ""
