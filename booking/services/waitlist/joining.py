"""Getting into the waitlist."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from accounts.policy import Actor
from booking.models import Waiting, WaitState
from booking.policy import waitlist as policy
from booking.queries import ledger
from booking.queries import waitlist as queries
from booking.services.ledger.common import sound_title
from booking.services.ledger.holding import Claim, lock_instruments
from booking.services.ledger.leftover import check_bookable
from booking.services.ledger.qualified import check_qualified, is_helped
from booking.services.waitlist.offering import MOST_TRIES, earliest, first_admitted
from booking.terms import Terms, stretch
from booking.vacancies import Wait, vacancies
from core import audit, idempotency
from core.db import Tx, transaction
from core.errors import Conflict, Invalid, Refusal
from core.i18n import N_
from core.intervals import Interval
from facilities.models import Instrument

LONGEST_DAYS = 92
MOST_PLACES = 20


@dataclass(frozen=True)
class Window:
    """`minutes` of an instrument are wanted anywhere in [start, end)."""

    start: datetime
    end: datetime
    minutes: int


def join(
    instrument_id: UUID,
    organisation_id: UUID | None,
    wanted: Window,
    title: str,
    actor: Actor,
    now: datetime,
    key: str,
) -> UUID:
    """Wait for time of an instrument. The same `key` gives the same place again.

    Refusals: Forbidden (policy); Invalid beside its field (window, length); Conflict (mode, qualification: what could
    never be booked), "already_waiting", "too_many_places"; Conflict "is_free" with `starts_at` and `ends_at`.
    """
    with transaction() as tx:
        policy.may_wait(actor, organisation_id).or_refuse()
        assert actor.person_id is not None  # noqa: S101 - the policy has just said so
        assert organisation_id is not None  # noqa: S101 - likewise
        known = idempotency.made_before(tx, actor.person_id, key, "wait")
        if known is not None:
            return known
        tx.alone(f"places of {actor.person_id}")
        instrument = lock_instruments(tx, [instrument_id])[instrument_id]
        window = _checked(ledger.terms_of(instrument), wanted, now)
        _check_places(tx, actor.person_id, instrument_id, window)
        row = _place(instrument, organisation_id, wanted, sound_title(title), actor.person_id, now)
        _check_possible(tx, instrument, row, actor, now)
        free = first_admitted(tx, instrument, row, now)
        if free is not None:
            raise _is_free(free, ledger.terms_of(instrument))
        tx.session.add(row)
        audit.record(tx, actor.person_id, "wait", row, now)
        idempotency.remember(tx, actor.person_id, key, "wait", row.id, now)
        return row.id


def _checked(terms: Terms, wanted: Window, now: datetime) -> Interval:
    """The window, if a booking of this length could ever lie in it as far as lengths and days go."""
    window = stretch(wanted.start, wanted.end)
    if window.length > timedelta(days=LONGEST_DAYS):
        raise _wrong("end", "window_too_long", N_("Wait for at most %(days)s days at once."), days=LONGEST_DAYS)
    if window.end > terms.last_end(now):
        sentence = N_("Time can be booked at most %(days)s days ahead.")
        raise _wrong("end", "too_far_ahead", sentence, days=terms.horizon_days)
    _check_length(terms, wanted.minutes)
    if wanted.end - timedelta(minutes=wanted.minutes) < max(wanted.start, earliest(terms, now)):
        raise _wrong("end", "window_too_short", N_("There is no room for that length between the two any more."))
    return window


def _check_length(terms: Terms, minutes: int) -> None:
    if not terms.least_minutes <= minutes <= terms.most_minutes:
        raise _wrong(
            "minutes",
            "wrong_length",
            N_("A booking takes between %(least)s and %(most)s minutes here."),
            least=terms.least_minutes,
            most=terms.most_minutes,
        )
    if minutes % terms.slot_minutes:
        raise _wrong("minutes", "off_grid", N_("Time is given in steps of %(slot)s minutes."), slot=terms.slot_minutes)


def _check_places(tx: Tx, person_id: UUID, instrument_id: UUID, window: Interval) -> None:
    if tx.session.scalars(queries.standing_of(person_id, instrument_id, window)).first() is not None:
        sentence = N_("You already wait for this instrument in these days.")
        raise Conflict(sentence, code="already_waiting", fields={"day": sentence})
    if (tx.session.scalar(queries.how_many_places(person_id)) or 0) >= MOST_PLACES:
        sentence = N_("You wait in %(most)s places already. Leave one of them first.")
        raise Conflict(sentence, code="too_many_places", fields={"day": sentence}, most=MOST_PLACES)


def _check_possible(tx: Tx, instrument: Instrument, row: Waiting, actor: Actor, now: datetime) -> None:
    """Refuse what the instrument's rules could not give even if nobody had booked anything."""
    refusal: Refusal | None = None
    for interval in _if_nothing_were_booked(instrument, row, now):
        try:
            check_bookable(tx, instrument, interval, frozenset(), now, actor.language)
            check_qualified(tx, instrument, row.person_id, interval, is_helped(instrument, False), now)
        except Refusal as one:
            refusal = refusal or one
        else:
            return
    sentence = N_("In these days this instrument does not run for so long without a break.")
    raise refusal or Invalid(sentence, code="never_open", fields={"day": sentence})


def _if_nothing_were_booked(instrument: Instrument, row: Waiting, now: datetime) -> Sequence[Interval]:
    terms = ledger.terms_of(instrument)
    window = Interval(max(row.starts_at, earliest(terms, now)), row.ends_at)
    return list(islice(vacancies(terms, 1, (), Wait(window, row.minutes), now), MOST_TRIES))


def _place(
    instrument: Instrument, organisation_id: UUID, wanted: Window, title: str, person_id: UUID, now: datetime
) -> Waiting:
    return Waiting(
        instrument_id=instrument.id,
        person_id=person_id,
        organisation_id=organisation_id,
        starts_at=wanted.start,
        ends_at=wanted.end,
        minutes=wanted.minutes,
        title=title,
        state=WaitState.WAITING,
        declined=[],
        created_at=now,
        changed_at=now,
    )


def _is_free(free: Claim, terms: Terms) -> Conflict:
    """The refusal of a wait that would be over at once: the time can simply be booked."""
    sentence = N_("You need not wait: %(when)s is free, and you can book it now.")
    start, end = free.interval.start, free.interval.end
    when = f"{start.astimezone(terms.zone):%Y-%m-%d %H:%M}"
    return Conflict(sentence, code="is_free", fields={"day": sentence}, when=when, starts_at=start, ends_at=end)


def _wrong(field: str, code: str, sentence: str, **values: object) -> Refusal:
    return Invalid(sentence, code=code, fields={field: sentence}, **values)
