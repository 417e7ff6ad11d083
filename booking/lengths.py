"""Lengths of time as people type and read them: '30 min', '2 h', '1 d 12 h'."""

import re

from booking.terms import DAY_MINUTES

_LENGTH = re.compile(
    r"(?:(\d{1,4})\s*[dg])?\s*(?:(\d{1,5})\s*h)?\s*(?:(\d{1,6})\s*(?:min|m)?)?", re.ASCII | re.IGNORECASE
)


def minutes_in(text: str) -> int | None:
    """'1 h 30 min' is 90, '2 g' and '2 d' are two days, a bare number is minutes; None when it is no length."""
    found = _LENGTH.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes = (int(part or 0) for part in found.groups())
    return days * DAY_MINUTES + hours * 60 + minutes


def length_text(minutes: int, language: str) -> str:
    """90 is '1 h 30 min', 2880 is '2 d' ('2 g' in Italian), 0 is '0 min'."""
    days, rest = divmod(minutes, DAY_MINUTES)
    hours, left = divmod(rest, 60)
    units = ((days, "g" if language == "it" else "d"), (hours, "h"), (left, "min"))
    return " ".join(f"{number} {unit}" for number, unit in units if number) or "0 min"
