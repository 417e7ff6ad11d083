"""Quotas: how much of an instrument or facility one person or organisation may book."""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from booking import quota_words
from booking.queries import quotas as queries
from booking.quotas import Use, is_last_minute
from core.db import Tx
from core.errors import Conflict
from core.i18n import N_
from core.intervals import Interval
from facilities.models import Instrument

_PERIODIC = N_(
    "A quota is in the way (%(quota)s). Used: %(used)s, left: %(left)s, this booking: %(wanted)s. "
    "It begins anew on %(renews)s."
)
_OPEN = N_(
    "A quota is in the way (%(quota)s). Used: %(used)s, left: %(left)s. "
    "There is room again when one of these bookings ends or is cancelled."
)


def check_quotas(
    tx: Tx,
    instrument: Instrument,
    person_id: UUID,
    organisation_id: UUID,
    wanted: Interval,
    gives_back: Collection[UUID],
    now: datetime,
) -> None:
    """Conflict "quota" when the wanted time would exceed one; says which, how much is used and when it renews.

    Whoever books at the last minute is not asked. Two statements at most, besides the locks.
    """
    if is_last_minute(wanted.start, now, queries.last_minute_of(instrument)):
        return
    rules = [queries.rule_of(row) for row in tx.session.scalars(queries.quotas_on(instrument))]
    if any(rule.instrument_id is None for rule in rules):
        lock_subjects(tx, [(person_id, organisation_id)])
    asked = queries.Asked(person_id, organisation_id, now, wanted, gives_back)
    for use in queries.uses(tx.session, instrument, rules, asked):
        if use.is_exceeded:
            raise _exceeded(use, instrument.facility.timezone)


def lock_subjects(tx: Tx, people: Iterable[tuple[UUID, UUID]]) -> None:
    """Let nobody else book anywhere for these persons and organisations under a facility's quota until the end.

    A booking of another instrument of the facility counts as well, and no row stands for the sum. A verb that admits
    bookings of several people in one transaction takes all of these locks before the first.
    """
    names = {f"quotas of organisation {organisation_id}" for _person_id, organisation_id in people}
    names |= {f"quotas of person {person_id}" for person_id, _organisation_id in people}
    for name in sorted(names):
        tx.alone(name)


def _exceeded(use: Use, zone: str) -> Conflict:
    rule = use.rule
    sentence = _OPEN if use.renews_at is None else _PERIODIC
    return Conflict(
        sentence,
        code="quota",
        fields={"start": sentence},
        quota=quota_words.name(rule),
        used=quota_words.quantity(rule, use.used),
        left=quota_words.quantity(rule, use.left),
        wanted=quota_words.quantity(rule, use.wanted),
        renews=quota_words.day_of(use.renews_at, zone) if use.renews_at else "",
    )
