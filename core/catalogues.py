"""Keeps the translations: `python -m core.catalogues extract|compile|check … [FEATURE …]`.

extract  collects the texts of code and templates and merges them into translations/LANGUAGE/LC_MESSAGES/FEATURE.po;
         a new text takes over the translation that another feature has for exactly the same text, else it stays empty
compile  writes the .mo files that the running product reads (not in git), only where they changed
check    names every text without a sound translation, and fails if there is one

English is the text in the source itself, so only the other languages have catalogues. A catalogue is a function of the
sources and of the translations in it: no dates, no line numbers, no guesses (fuzzy matches), so that merges are small.
"""

import contextlib
import fcntl
import io
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from babel.messages.catalog import PYTHON_FORMAT, Catalog, Message
from babel.messages.extract import extract as extract_from
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from core.i18n import FEATURES, LANGUAGES, TRANSLATIONS

ROOT = TRANSLATIONS.parent
SOURCE_LANGUAGE = "en"
TRANSLATED = tuple(language for language in LANGUAGES if language != SOURCE_LANGUAGE)
COMMON = ("app.py", "api", "jobs", "templates/*.*", "templates/ui", "templates/errors", "templates/mail")
KEYWORDS = {
    "_": None,
    "gettext": None,
    "lazy_gettext": None,
    "N_": None,
    "ngettext": (1, 2),
    "lazy_ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "lazy_pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
JINJA = {"extensions": "jinja2.ext.do,jinja2.ext.loopcontrols", "silent": "false", "trimmed": "true"}
HEADER = """\
msgid ""
msgstr ""
"Language: {language}\\n"
"Plural-Forms: {plural_forms}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""


class Key(NamedTuple):
    """What makes two texts the same text."""

    context: str | None
    singular: str


class Zero(Mapping[str, int]):
    """Gives 0 for every placeholder and remembers which were asked for."""

    def __init__(self) -> None:
        """Nothing was asked yet."""
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> int:
        """Give 0, which both %(x)s and %(x)d can print."""
        self.asked.add(name)
        return 0

    def __iter__(self) -> Iterator[str]:
        """Walk over what was asked."""
        return iter(self.asked)

    def __len__(self) -> int:
        """Count what was asked."""
        return len(self.asked)


# sources --------------------------------------------------------------------------------------------------------------


def sources(feature: str) -> list[Path]:
    """The Python files and templates whose texts belong to a feature, in a stable order."""
    places = (feature, f"templates/{feature}", *(COMMON if feature == "core" else ()))
    found: set[Path] = set()
    for place in places:
        for path in ROOT.glob(place):
            found.update(path.rglob("*") if path.is_dir() else [path])
    return sorted(path for path in found if path.is_file() and (path.suffix == ".py" or "templates" in path.parts))


def texts(feature: str, language: str) -> Catalog:
    """All texts of a feature, untranslated; an unreadable source raises with its name."""
    catalogue = Catalog(locale=language, header_comment="")
    for path in sources(feature):
        method = "python" if path.suffix == ".py" else "jinja2"
        with path.open("rb") as source:
            try:
                found = list(extract_from(method, source, KEYWORDS, options=JINJA if method == "jinja2" else {}))
            except Exception as error:
                error.add_note(f"while reading the texts of {path.relative_to(ROOT)}")
                raise
        for _line, message, _comments, context in found:
            # Babel gives line numbers; without them the order of a file's texts does not change when code moves.
            catalogue.add(message, locations=[(path.relative_to(ROOT).as_posix(), 0)], context=context)
    return catalogue


# catalogues -----------------------------------------------------------------------------------------------------------


def catalogue_path(feature: str, language: str) -> Path:
    """Where a feature's translations into a language are kept."""
    return TRANSLATIONS / language / "LC_MESSAGES" / f"{feature}.po"


def stored(feature: str, language: str) -> Catalog:
    """The catalogue as it is on disk; an empty one if there is none yet."""
    path = catalogue_path(feature, language)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def messages(catalogue: Catalog) -> dict[Key, Message]:
    """The texts of a catalogue without its header."""
    return {_key(message): message for message in catalogue if message.id}


def merged(feature: str, language: str) -> str:
    """Content of the catalogue file: today's texts with the translations that are known."""
    known: dict[Key, Message] = {}
    for other in (*(name for name in FEATURES if name != feature), feature):
        translated = {
            key: message for key, message in messages(stored(other, language)).items() if any(_forms(message.string))
        }
        known.update(translated)
    found = texts(feature, language)
    ordered = Catalog(locale=language)
    for key, message in sorted(messages(found).items(), key=lambda item: (item[1].locations[0], item[0].singular)):
        before = known.get(key)
        taken = before.string if before is not None and _forms(before.id) == _forms(message.id) else None
        ordered.add(message.id, taken, sorted(set(message.locations)), _flags(before), context=message.context)
    body = io.BytesIO()
    write_po(body, ordered, width=116, omit_header=True, include_lineno=False)
    header = HEADER.format(language=language, plural_forms=found.plural_forms)
    return header + body.getvalue().decode("utf-8").lstrip("\n")


def _key(message: Message) -> Key:
    return Key(message.context, message.id if isinstance(message.id, str) else message.id[0])


def _forms(text: str | Iterable[str] | None) -> tuple[str, ...]:
    """All forms of a text: one, or singular and plural."""
    if text is None:
        return ()
    return (text,) if isinstance(text, str) else tuple(text)


def _flags(before: Message | None) -> set[str]:
    return {"fuzzy"} if before is not None and before.fuzzy else set()


# commands -------------------------------------------------------------------------------------------------------------


def extract(features: Iterable[str]) -> list[str]:
    """Bring the catalogues up to date with the sources."""
    for feature in features:
        for language in TRANSLATED:
            path = catalogue_path(feature, language)
            if _write_if_changed(path, merged(feature, language).encode("utf-8")):
                print(f"{path.relative_to(ROOT)} brought up to date")
    return []


def compile_all(features: Iterable[str]) -> list[str]:
    """Write what the running product reads."""
    for feature in features:
        for language in TRANSLATED:
            path = catalogue_path(feature, language)
            catalogue = stored(feature, language)
            catalogue.creation_date = catalogue.revision_date = datetime(2000, 1, 1, tzinfo=UTC)
            compiled = io.BytesIO()
            write_mo(compiled, catalogue)
            if path.exists() and not _write_if_changed(path.with_suffix(".mo"), compiled.getvalue()):
                path.with_suffix(".mo").touch()  # so that ./dev sees by its time that it is fresh
    return []


def check(features: Iterable[str]) -> list[str]:
    """Everything that keeps the translations from being complete, one line each."""
    return [
        complaint
        for language in TRANSLATED
        for complaint in (*_catalogue_complaints(features, language), *_disagreements(language))
    ]


def _catalogue_complaints(features: Iterable[str], language: str) -> Iterator[str]:
    for feature in features:
        path = catalogue_path(feature, language)
        name = path.relative_to(ROOT)
        if not path.exists() or path.read_text(encoding="utf-8") != merged(feature, language):
            yield f"{name}: differs from the texts in the sources; run ./dev i18n"
        for key, message in messages(stored(feature, language)).items():
            places = ", ".join(place for place, _line in message.locations)
            yield from (f"{name}: {key.singular!r} ({places}): {what}" for what in message_complaints(message))


def message_complaints(message: Message) -> Iterator[str]:
    """What is wrong with one translation: missing, guessed, or with other placeholders than the text."""
    forms = _forms(message.string)
    if not forms or not all(forms):
        yield "not translated"
        return
    if message.fuzzy:
        yield "marked fuzzy: read it and remove the mark"
    wanted = placeholders(_forms(message.id))
    for form in forms:
        found = placeholders((form,))
        if found is None or wanted is None:
            yield f"cannot be filled, look at its percent signs: {form!r}"
        elif not found <= wanted or (len(forms) == 1 and found != wanted):
            yield f"has the placeholders {sorted(found)} where the text has {sorted(wanted)}"


def placeholders(forms: Iterable[str]) -> set[str] | None:
    """Names of the placeholders of all forms; None when one of them cannot be filled in."""
    values = Zero()
    for form in forms:
        if PYTHON_FORMAT.search(form):
            try:
                form % values
            except (TypeError, ValueError):
                return None
    return values.asked


def _disagreements(language: str) -> Iterator[str]:
    """Texts that two features translate differently: in the running product only one of the two would be seen."""
    seen: dict[Key, tuple[str, tuple[str, ...]]] = {}
    for feature in FEATURES:
        for key, message in messages(stored(feature, language)).items():
            first, translation = seen.setdefault(key, (feature, _forms(message.string)))
            if translation != _forms(message.string):
                yield f"{language}: {first} and {feature} translate {key.singular!r} differently; use pgettext"


# files and command line -----------------------------------------------------------------------------------------------


def _write_if_changed(path: Path, content: bytes) -> bool:
    """Write in one step, so that a reader sees the old or the new file; True if something changed."""
    if path.exists() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.draft")
    draft.write_bytes(content)
    draft.replace(path)
    return True


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One run at a time: a second one waits."""
    TRANSLATIONS.mkdir(exist_ok=True)
    with (TRANSLATIONS / ".lock").open("w", encoding="ascii") as door:
        fcntl.flock(door, fcntl.LOCK_EX)
        yield


COMMANDS = {"extract": extract, "compile": compile_all, "check": check}


def main(arguments: list[str]) -> int:
    """Run the named commands for the named features, or for all."""
    commands = [word for word in arguments if word in COMMANDS]
    features = [word for word in arguments if word in FEATURES]
    if not commands or len(commands) + len(features) != len(arguments):
        print(__doc__, file=sys.stderr)
        return 2
    complaints: list[str] = []
    with _alone():
        for command in commands:
            complaints += COMMANDS[command](features or FEATURES)
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
