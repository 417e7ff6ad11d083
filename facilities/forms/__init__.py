"""What people send: the wishes of the list of facilities (here), forms of managers (in files of their own)."""

from facilities.forms.catalogue import (
    LAST_PAGE,
    MOST_PER_PAGE,
    PARAMETERS,
    arguments_of,
    only_known,
    wish_from,
)

__all__ = ["LAST_PAGE", "MOST_PER_PAGE", "PARAMETERS", "arguments_of", "only_known", "wish_from"]
