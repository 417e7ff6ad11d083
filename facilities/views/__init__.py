"""Pages of facilities."""

from facilities.views import catalogue, duties, qualifications
from facilities.views.blueprint import blueprint

__all__ = ["blueprint", "catalogue", "duties", "qualifications"]
