"""What managers send to close an instrument: when, for how many weeks, and which bookings they give up for it."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from flask_babel import lazy_gettext

from booking.forms.fields import Prose, WholeNumberField
from booking.forms.ledger import ClosureForm
from booking.models import BookingKind
from booking.services.ledger import Closing


class ClosingForm(ClosureForm):
    """A closure that may repeat and cancel what it hits; `reason` is what those people read."""

    weeks = WholeNumberField(lazy_gettext("How many weeks in a row?"), default=1)
    reason = Prose(lazy_gettext("Why? Everybody whose booking is cancelled reads it."))

    def closing(self, times: tuple[datetime, datetime], cancels: Iterable[str]) -> Closing:
        """What is to be closed; `cancels` are the bookings that the page has shown."""
        return Closing(
            start=times[0],
            end=times[1],
            kind=BookingKind(self.kind.data),
            note=self.note.data or "",
            weeks=1 if self.weeks.data is None else self.weeks.data,
            cancels=frozenset(_ids(cancels)),
            reason=self.reason.data or "",
        )


def _ids(texts: Iterable[str]) -> Iterable[UUID]:
    """What is none of ours is left out: what was not shown is never cancelled."""
    for text in texts:
        try:
            yield UUID(text)
        except ValueError:
            continue
