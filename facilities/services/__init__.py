"""Verbs of facilities: the catalogue, who is qualified, who of the staff is there."""

from facilities.services.catalogue import ImportOutcome, import_catalogue, index_for_search
from facilities.services.qualifications import used

__all__ = ["ImportOutcome", "import_catalogue", "index_for_search", "used"]
