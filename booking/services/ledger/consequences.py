"""What a manager should know before deciding: what the gate would refuse today, and who else is touched.

A booking that waits was admitted when it was asked for. Meanwhile a qualification may have ended, a quota been lowered,
a helper gone away or the instrument been closed for members; nothing of it stops an approval, all of it is said.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy.orm import Session

from booking.models import Booking
from booking.queries import inbox as queries
from booking.queries import ledger as ledger_queries
from booking.queries.quotas import last_minute_of
from booking.quotas import is_last_minute
from booking.services.ledger.qualified import check_qualified, check_staff
from booking.services.ledger.quotas import check_quotas
from booking.terms import check_mode, check_times
from core.db import Tx
from core.errors import Refusal
from core.i18n import N_, Spoken, spoken

_NOT_QUALIFIED = {
    "missing": N_("Not qualified: lacks “%(qualification)s”."),
    "revoked": N_("No longer qualified: “%(qualification)s” was revoked on %(date)s."),
    "expired": N_("Not qualified on that day: “%(qualification)s” counts until %(date)s."),
    "unused": N_("Not qualified on that day: without a use before, “%(qualification)s” counts until %(date)s."),
}
_QUOTA = N_("Over a quota with this booking (%(quota)s): used %(used)s without it.")
_NOBODY = N_("Nobody of the facility is free to help at this time.")
_MODE = N_("Members no longer book this instrument themselves.")
_SENTENCES = {
    "quota": _QUOTA,
    "nobody_on_duty": _NOBODY,
    "no_assistance": _NOBODY,
    "not_bookable": _MODE,
    "given_in_rounds": _MODE,
    "given_with_another": _MODE,
}
_TERMS = N_("The instrument's rules have changed since: %(why)s")
_AWAITED = (N_("One other person waits for this time."), N_("%(count)s other people wait for this time."))
_UNITS = N_("With this one, %(taken)s of %(all)s units are taken.")
_ASKS = (
    N_("The same organisation asks for one more booking here."),
    N_("The same organisation asks for %(count)s more bookings here."),
)


@dataclass(frozen=True)
class Consequence:
    """One sentence, in the language of whoever reads it; `code` is that of the refusal, empty for what is only said."""

    sentence: Spoken
    code: str = ""

    @property
    def is_hindrance(self) -> bool:
        """Whether the gate would refuse the booking today."""
        return bool(self.code)


class _Look(Tx):
    """The rules asked for a page: nothing is written, so nobody has to wait for it."""

    def alone(self, name: str) -> None:
        """Others may go on."""


def consequences(session: Session, row: Booking, now: datetime) -> list[Consequence]:
    """What to know before deciding on one booking."""
    return consequences_of(session, [row], now)[row.id]


def consequences_of(session: Session, rows: Iterable[Booking], now: datetime) -> dict[UUID, list[Consequence]]:
    """The same for several: three statements for all of them, and what the gate asks for each."""
    each = list(rows)
    around = queries.around(session, each, now)
    return {row.id: [*_refused(_Look(session), row, now), *_touched(row, around[row.id])] for row in each}


def _refused(look: _Look, row: Booking, now: datetime) -> Iterator[Consequence]:
    """What `admit` would say to the same wish today, the booking itself not counted."""
    checks: list[Callable[[], object]] = [
        partial(check_mode, row.instrument.booking_mode),
        partial(_check_terms, row),
    ]
    if row.person_id is not None:
        checks.append(partial(check_qualified, look, row.instrument, row.person_id, row.interval, row.is_assisted, now))
    checks.append(
        partial(check_staff, look, row.instrument, row.interval, row.is_assisted, frozenset({row.id}), row.bundle_id)
    )
    if row.person_id is not None and row.organisation_id is not None:
        subjects = (row.person_id, row.organisation_id)
        checks.append(
            partial(check_quotas, look, row.instrument, *subjects, row.interval, {row.id}, _asked_at(row, now))
        )
    for check in checks:
        try:
            check()
        except Refusal as refusal:
            yield _said(refusal)


def _asked_at(row: Booking, now: datetime) -> datetime:
    """When it is judged as asked for: waiting until the last minute takes no booking out of a quota."""
    is_late_now = is_last_minute(row.starts_at, now, last_minute_of(row.instrument))
    return row.created_at if is_late_now else now


def _check_terms(row: Booking) -> None:
    """As on the day on which it was asked for: how long before its start it was, does not change."""
    check_times(ledger_queries.terms_of(row.instrument), row.starts_at, row.ends_at, row.created_at)


def _said(refusal: Refusal) -> Consequence:
    if refusal.code == "not_qualified":
        return Consequence(spoken(_NOT_QUALIFIED[str(refusal.values["lack"])], **refusal.values), refusal.code)
    if refusal.code in _SENTENCES:
        return Consequence(spoken(_SENTENCES[refusal.code], **refusal.values), refusal.code)
    return Consequence(spoken(_TERMS, why=spoken(refusal.message, **refusal.values)), refusal.code)


def _touched(row: Booking, around: queries.Around) -> Iterator[Consequence]:
    """Who else has something to gain or lose."""
    if around.awaited:
        yield Consequence(spoken(_AWAITED[around.awaited > 1], count=around.awaited))
    if row.instrument.capacity > 1:
        yield Consequence(spoken(_UNITS, taken=around.taken, all=row.instrument.capacity))
    if around.asks:
        yield Consequence(spoken(_ASKS[around.asks > 1], count=around.asks))
