"""Trouble during a booking: its holder reports it; a manager answers, and may credit the minutes that were lost."""

from datetime import datetime
from uuid import UUID

from accounts import queries as accounts
from accounts.models import Person
from accounts.policy import Actor
from booking import use
from booking.models import Booking, ShareKind, Trouble, TroubleState
from booking.policy import use as policy
from booking.queries import ledger
from booking.queries import trouble as queries
from booking.queries.use import slot_of
from booking.services.ledger.common import locked
from booking.services.ledger.shares import charge
from core import audit, idempotency, mail
from core.db import Tx, transaction
from core.errors import Conflict, Invalid
from core.i18n import N_, either

LONGEST_TEXT = 2000
LONGEST_ANSWER = 400


def report(booking_id: UUID, text: str, lost_minutes: int, actor: Actor, now: datetime, key: str) -> UUID:
    """Say what went wrong and how many minutes it cost; the facility's managers are told. One `key` reports once.

    Refusals: Conflict "not_now" (before the booking, later than a week after it), Invalid for text and minutes.
    """
    with transaction() as tx:
        person_id = actor.person_id
        known = idempotency.made_before(tx, person_id, key, "report_trouble") if person_id else None
        if known is not None:
            return known
        row = locked(tx, booking_id)
        policy.may_report_trouble(actor, ledger.held(row)).or_refuse()
        assert person_id is not None  # noqa: S101 - the policy has just said so
        if not use.can_report(slot_of(row), now):
            raise Conflict(N_("Trouble is reported during a booking or in the week after it."), code="not_now")
        made = Trouble(
            booking_id=row.id,
            person_id=person_id,
            text=_sound("text", text, LONGEST_TEXT),
            lost_minutes=_at_most_booked("lost_minutes", lost_minutes, row),
            state=TroubleState.REPORTED,
            created_at=now,
        )
        tx.session.add(made)
        audit.record(tx, person_id, "report_trouble", made, now, detail={"booking_id": str(row.id)})
        idempotency.remember(tx, person_id, key, "report_trouble", made.id, now)
        for manager in tx.session.scalars(queries.managers_of(row.instrument.facility_id)):
            if manager.id != person_id:
                _tell(tx, manager, "trouble_reported", made, row, now)
        return made.id


def credit(trouble_id: UUID, minutes: int, answer: str, actor: Actor, now: datetime) -> None:
    """A manager gives minutes back: they no longer count as used. The same credit twice changes nothing.

    Refusals: Conflict "decided" and "credited" (a booking is credited once), Invalid for minutes and answer.
    """
    with transaction() as tx:
        row, booking = _locked(tx, trouble_id)
        policy.may_decide_trouble(actor, ledger.held(booking), row.person_id).or_refuse()
        if row.state is TroubleState.CREDITED and row.credited_minutes == minutes:
            return
        _check_open(row)
        if minutes < 1:
            raise _wrong("minutes", "no_minutes", N_("Give at least one minute, or close the report without a credit."))
        row.credited_minutes = _at_most_booked("minutes", minutes, booking)
        if tx.session.scalar(queries.credit_of(booking.id)) is not None:
            raise Conflict(
                N_("This booking has had a credit already; a second report can only be closed."), code="credited"
            )
        charge(tx, booking, ShareKind.CREDITED, booked=0, used=0, charged=-minutes, now=now)
        _decide(tx, row, booking, TroubleState.CREDITED, answer, actor, now)


def close(trouble_id: UUID, answer: str, actor: Actor, now: datetime) -> None:
    """A manager answers without a credit. Closing twice changes nothing.

    Refusals: Conflict "decided", Invalid for the answer.
    """
    with transaction() as tx:
        row, booking = _locked(tx, trouble_id)
        policy.may_decide_trouble(actor, ledger.held(booking), row.person_id).or_refuse()
        if row.state is TroubleState.CLOSED:
            return
        _check_open(row)
        _decide(tx, row, booking, TroubleState.CLOSED, answer, actor, now)


def _locked(tx: Tx, trouble_id: UUID) -> tuple[Trouble, Booking]:
    """The report, held after its booking, and the booking."""
    seen = tx.one(queries.trouble(trouble_id))
    booking = locked(tx, seen.booking_id)
    return tx.lock(queries.trouble(trouble_id)), booking


def _check_open(row: Trouble) -> None:
    if row.state is not TroubleState.REPORTED:
        raise Conflict(N_("This report has been answered already."), code="decided")


def _decide(
    tx: Tx, row: Trouble, booking: Booking, state: TroubleState, answer: str, actor: Actor, now: datetime
) -> None:
    row.answer = _sound("answer", answer, LONGEST_ANSWER)
    row.state = state
    row.decided_at = now
    row.decided_by_id = actor.person_id
    verb = "credit_trouble" if state is TroubleState.CREDITED else "close_trouble"
    detail = {"booking_id": str(booking.id), "credited_minutes": row.credited_minutes}
    audit.record(tx, actor.person_id, verb, row, now, reason=row.answer, detail=detail)
    _tell(tx, tx.one(accounts.person(row.person_id)), "trouble_answered", row, booking, now)


def _sound(field: str, text: str, most: int) -> str:
    """Without blanks around it; Invalid when nothing is left or it is too long."""
    if not text.strip():
        raise _wrong(field, f"{field}_missing", N_("Please write a sentence."))
    if len(text.strip()) > most:
        raise _wrong(field, f"{field}_too_long", N_("At most %(most)s characters, please."), most=most)
    return text.strip()


def _at_most_booked(field: str, minutes: int, row: Booking) -> int:
    booked = slot_of(row).booked.minutes
    if not 0 <= minutes <= booked:
        sentence = N_("Not more than the %(booked)s minutes that were booked.")
        raise _wrong(field, "too_many_minutes", sentence, booked=booked)
    return minutes


def _wrong(field: str, code: str, sentence: str, **values: object) -> Invalid:
    return Invalid(sentence, code=code, fields={field: sentence}, **values)


def _tell(tx: Tx, person: Person, template: str, row: Trouble, booking: Booking, now: datetime) -> None:
    instrument, facility = booking.instrument, booking.instrument.facility
    mail.send(
        tx,
        key=f"{template}:{row.id}:{person.id}",
        to=person.email,
        language=person.language,
        template=template,
        values={
            "name": person.name,
            "reporter": tx.one(accounts.person(row.person_id)).name,
            "instrument": either(person.language, instrument.name_it, instrument.name),
            "facility": either(person.language, facility.name_it, facility.name_en),
            "starts_at": booking.starts_at.isoformat(),
            "ends_at": booking.ends_at.isoformat(),
            "zone": facility.timezone,
            "text": row.text,
            "lost": row.lost_minutes,
            "credited": row.credited_minutes,
            "answer": row.answer,
            "path": f"/troubles/{row.id}",
        },
        at=now,
    )
