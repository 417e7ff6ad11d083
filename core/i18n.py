"""Translation outside of pages: markers for msgids, and texts for mails in the reader's language."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import ClassVar

from babel.support import NullTranslations, Translations

LANGUAGES = ("it", "en")
DEFAULT_LANGUAGE = "it"
FEATURES = ("core", "accounts", "facilities", "booking", "calendars")
TRANSLATIONS = Path(__file__).parent.parent / "translations"


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for this marker
    """Mark a msgid that is translated later; gives it back unchanged."""
    return message


@cache
def catalogue(language: str) -> NullTranslations:
    """All features' texts of one language in one catalogue; English is the msgid itself."""
    merged: NullTranslations = NullTranslations()
    for feature in FEATURES:
        found = Translations.load(TRANSLATIONS, [language], domain=feature)
        if isinstance(merged, Translations) and isinstance(found, Translations):
            merged.merge(found)
        elif isinstance(found, Translations):
            merged = found
    return merged


def say(language: str, message: str, values: Mapping[str, object] | None = None) -> str:
    """`message` in `language`, its named placeholders filled."""
    text = catalogue(language).gettext(message)
    return text % values if values else text


class Spoken:
    """A text that is made when it is read, in the language of whoever reads it; English where nobody asks.

    For parts of a refusal that must themselves be translated: its sentence is put together by a service, which does not
    know the reader.
    """

    reader: ClassVar[Callable[[], str]] = staticmethod(lambda: "en")
    """The reader's language; the web application says how to find it."""

    def __init__(self, text_in: Callable[[str], str]) -> None:
        self._text_in = text_in

    def __str__(self) -> str:
        return self._text_in(type(self).reader())


def spoken(message: str, **values: object) -> Spoken:
    """A msgid that is translated when it is read."""
    return Spoken(lambda language: say(language, message, values))


def either(language: str, italian: str, english: str) -> str:
    """The catalogue text in the reader's language, or the other one when that is empty."""
    first, second = (italian, english) if language == "it" else (english, italian)
    return first or second
