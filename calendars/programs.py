"""Which calendar program a User-Agent belongs to, as far as its owner wants to know."""

import re

from core.i18n import N_

KNOWN = (
    ("Google-Calendar", "Google Calendar"),
    ("dataaccessd", "Apple (iPhone, iPad)"),
    ("iOS/", "Apple (iPhone, iPad)"),
    ("CalendarAgent", "Apple (Mac)"),
    ("macOS/", "Apple (Mac)"),
    ("Thunderbird", "Thunderbird"),
    ("Exchange", "Outlook"),
    ("Outlook", "Outlook"),
    ("ICSx5", "ICSx⁵"),
    ("vdirsyncer", "vdirsyncer"),
    ("Mozilla/", N_("a browser")),
)
_PRODUCT = re.compile(r"[\w.+-]{1,40}")


def program_of(user_agent: str) -> str:
    """A name (a msgid) that a person recognises: a known program, else the first product named; empty for none."""
    for mark, name in KNOWN:
        if mark in user_agent:
            return name
    found = _PRODUCT.match(user_agent)
    return found.group() if found else ""
