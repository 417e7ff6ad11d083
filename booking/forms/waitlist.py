"""What members send to wait for a free slot: a window, a length, for which organisation and what for."""

from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from booking.forms.fields import HoursField
from booking.forms.ledger import BookingForm, clock_text
from booking.services.waitlist import Window
from booking.terms import DAY_MINUTES, Terms
from core.intervals import Interval

DAYS_SUGGESTED = 7


class WaitForm(BookingForm):
    """A window in which a slot would suit, and how long the slot has to be."""

    minutes = HoursField(lazy_gettext("For how many hours?"))

    def wanted(self, terms: Terms) -> Window | None:
        """What was asked for; None when a field cannot be read, which is then said beside it."""
        if self.minutes.data is None and not self.minutes.errors:
            self.minutes.errors = [*self.minutes.errors, _("Give hours, for example 8 or 2.5.")]
        times = self.times(terms.zone)
        return Window(*times, self.minutes.data) if times else None


def suggested(terms: Terms, asked: Interval | None, today: date) -> dict[str, Any]:
    """How the form is filled in at first: the stretch that was asked for, or a week from today."""
    if asked is None:
        last = today + timedelta(days=DAYS_SUGGESTED - 1)
        times = {"day": today, "start": "00:00", "end_day": last, "end": "24:00"}
        return {**times, "minutes": terms.least_minutes}
    start, end = (at.astimezone(terms.zone) for at in (asked.start, asked.end))
    end_day, end_minute = end.date(), end.hour * 60 + end.minute
    if end_minute == 0:
        end_day, end_minute = end_day - timedelta(days=1), DAY_MINUTES
    return {
        "day": start.date(),
        "start": clock_text(start.hour * 60 + start.minute),
        "end_day": end_day,
        "end": clock_text(end_minute),
        "minutes": terms.minutes(asked),
    }
