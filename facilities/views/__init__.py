"""Pages of facilities."""

from facilities.views import catalogue
from facilities.views.blueprint import blueprint

__all__ = ["blueprint", "catalogue"]
