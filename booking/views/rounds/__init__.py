"""Rounds: public calls, the manager's desk, reviews, plans."""

from booking.views.rounds import desk, plan_pages, public, reviews
from booking.views.rounds.common import blueprint

__all__ = ["blueprint", "desk", "plan_pages", "public", "reviews"]
