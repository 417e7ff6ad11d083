"""Two members swap their bookings, each with their own consent; until then neither learns who the other is."""

from datetime import datetime, timedelta
from uuid import UUID

from accounts.policy import SYSTEM, Actor
from booking.models import Booking, Swap, SwapState
from booking.policy import changes as policy
from booking.queries import ledger as ledger_queries
from booking.queries import swaps as queries
from booking.queries.swaps import Slot
from booking.services.ledger.common import changed_meanwhile, tell
from booking.services.ledger.holders import beside, check_may_hold, give, holder_of, of_another
from booking.services.ledger.holding import lock_instruments
from booking.services.ledger.quotas import lock_subjects
from core import audit, idempotency, mail
from core.db import Tx, transaction
from core.errors import Conflict, Invalid
from core.i18n import N_, either

STANDS_FOR = timedelta(days=7)
MOST_OFFERS = 5
LONGEST_MESSAGE = 200
_CHANGED = N_("One of the two bookings has changed since. A new offer has to be made.")


def offer_swap(offered_id: UUID, slot: Slot, message: str, actor: Actor, now: datetime, key: str) -> UUID:
    """Offer one's own booking to the holder of a slot, whoever that is, for theirs; they are asked by mail.

    An offer that stands is not made twice. Refusals: Conflict "not_swappable", "not_comparable", "was_declined",
    "too_many_offers"; Invalid "message_too_long".
    """
    with transaction() as tx:
        offered = tx.one(ledger_queries.booking(offered_id))
        policy.may_swap(actor, ledger_queries.held(offered)).or_refuse()
        assert actor.person_id is not None  # noqa: S101 - the policy has just said so
        known = idempotency.made_before(tx, actor.person_id, key, "offer_swap")
        if known is not None:
            return known
        offered, wanted = _locked(tx, offered_id, _holding(tx, slot).id)
        policy.may_swap(actor, ledger_queries.held(offered)).or_refuse()
        _check_swappable(offered, wanted, now)
        _check_offerer(tx, offered, wanted, now)
        made = _standing(tx, offered, wanted, now) or _made(tx, offered, wanted, _sound(message), actor, now)
        idempotency.remember(tx, actor.person_id, key, "offer_swap", made.id, now)
        return made.id


def accept_swap(swap_id: UUID, actor: Actor, now: datetime) -> None:
    """Both bookings change their holders, or neither. Accepting twice changes nothing.

    Refusals: Conflict "not_standing", "changed_meanwhile", and what stands in the way of either new holder.
    """
    with transaction() as tx:
        seen = tx.one(queries.swap(swap_id))
        offered, wanted = _locked(tx, seen.offered_id, seen.wanted_id)
        swap = tx.lock(queries.swap(swap_id))
        if swap.state is SwapState.ACCEPTED and actor.is_person(offered.person_id):
            return
        policy.may_swap(actor, ledger_queries.held(wanted)).or_refuse()
        _check_stands(swap, now)
        _check_swappable(offered, wanted, now)
        _check_both(tx, offered, wanted, now)
        offerer, accepter = holder_of(offered), holder_of(wanted)
        given = Actor(person_id=offerer.person.id, name=offerer.person.name)
        give(tx, offered, accepter, "swap", given, now)
        give(tx, wanted, offerer, "swap", actor, now)
        _decide(tx, swap, SwapState.ACCEPTED, actor, now)
        for row in (offered, wanted):
            tell(tx, row, "swap_accepted", now)


def decline_swap(swap_id: UUID, actor: Actor, now: datetime) -> None:
    """Whoever was asked keeps their booking; the other one is told. Declining twice changes nothing."""
    with transaction() as tx:
        swap = tx.lock(queries.swap(swap_id))
        policy.may_swap(actor, ledger_queries.held(swap.wanted)).or_refuse()
        _end(tx, swap, SwapState.DECLINED, actor, now)


def withdraw_swap(swap_id: UUID, actor: Actor, now: datetime) -> None:
    """Whoever offered takes it back; the other one is told. Withdrawing twice changes nothing."""
    with transaction() as tx:
        swap = tx.lock(queries.swap(swap_id))
        policy.may_swap(actor, ledger_queries.held(swap.offered)).or_refuse()
        _end(tx, swap, SwapState.WITHDRAWN, actor, now)


def expire_swaps(now: datetime) -> int:
    """End the offers whose time is over or whose bookings have changed, and tell who made them; how many."""
    with transaction() as tx:
        swaps = tx.session.scalars(queries.lapsed(now)).all()
    return sum(_expire(swap_id, now) for swap_id in swaps)


# --- what stands in the way -------------------------------------------------------------------------------


def _holding(tx: Tx, slot: Slot) -> Booking:
    found = tx.session.scalars(queries.holds(slot)).first()
    if found is None:
        raise _not_swappable()
    return found


def _locked(tx: Tx, offered_id: UUID, wanted_id: UUID) -> tuple[Booking, Booking]:
    """Both bookings, held after their instruments."""
    seen = tx.session.scalars(queries.both(offered_id, wanted_id)).all()
    instruments = lock_instruments(tx, {row.instrument_id for row in seen})
    statement = queries.both(offered_id, wanted_id).with_for_update().execution_options(populate_existing=True)
    rows = {row.id: row for row in tx.session.scalars(statement)}
    if any(row.instrument_id not in instruments for row in rows.values()):
        raise changed_meanwhile()
    return rows[offered_id], rows[wanted_id]


def _check_swappable(offered: Booking, wanted: Booking, now: datetime) -> None:
    if not all(queries.is_swappable(row, now) for row in (offered, wanted)) or offered.person_id == wanted.person_id:
        raise _not_swappable()
    if not queries.are_comparable(offered, wanted):
        message = N_("These two cannot be swapped: another facility, or an instrument that takes approval.")
        raise Conflict(message, code="not_comparable", fields={"slot": message})


def _not_swappable() -> Conflict:
    message = N_("This time cannot be swapped, or no longer.")
    return Conflict(message, code="not_swappable", fields={"slot": message})


def _check_stands(swap: Swap, now: datetime) -> None:
    if swap.state is not SwapState.OFFERED or swap.expires_at <= now:
        raise Conflict(N_("This offer stands no longer."), code="not_standing")
    if queries.is_stale(swap):
        raise Conflict(_CHANGED, code="changed_meanwhile")


def _check_both(tx: Tx, offered: Booking, wanted: Booking, now: datetime) -> None:
    """Whether each may hold what the other one has; the accepter reads it, who may not know who the other is."""
    offerer, accepter = holder_of(offered), holder_of(wanted)
    lock_subjects(tx, [(one.person.id, one.organisation_id) for one in (offerer, accepter)])
    given = frozenset({offered.id, wanted.id})
    check_may_hold(tx, offered, accepter, given, now)
    try:
        check_may_hold(tx, wanted, offerer, given, now)
    except Conflict as refusal:
        raise of_another(refusal, "slot") from refusal


def _check_offerer(tx: Tx, offered: Booking, wanted: Booking, now: datetime) -> None:
    given = frozenset({offered.id, wanted.id})
    try:
        check_may_hold(tx, wanted, holder_of(offered), given, now)
    except Conflict as refusal:
        raise beside(refusal, "slot") from refusal


# --- writing ----------------------------------------------------------------------------------------------


def _standing(tx: Tx, offered: Booking, wanted: Booking, now: datetime) -> Swap | None:
    """The offer of the one for the other that stands; nobody is asked again who has declined."""
    for known in tx.session.scalars(queries.between(offered.id, wanted.id)):
        if known.state is SwapState.DECLINED:
            message = N_("You have offered this already, and it was declined.")
            raise Conflict(message, code="was_declined", fields={"slot": message})
        if known.expires_at > now and not queries.is_stale(known):
            return known
    if (tx.session.scalar(queries.how_many_stand(offered.id, now)) or 0) >= MOST_OFFERS:
        message = N_("This booking is offered %(most)s times already. Withdraw one of these offers first.")
        raise Conflict(message, code="too_many_offers", fields={"slot": message}, most=MOST_OFFERS)
    return None


def _made(tx: Tx, offered: Booking, wanted: Booking, message: str, actor: Actor, now: datetime) -> Swap:
    swap = Swap(
        offered_id=offered.id,
        wanted_id=wanted.id,
        state=SwapState.OFFERED,
        message=message,
        created_at=now,
        expires_at=min(now + STANDS_FOR, offered.starts_at, wanted.starts_at),
    )
    swap.offered, swap.wanted = offered, wanted
    tx.session.add(swap)
    audit.record(tx, actor.person_id, "offer", swap, now)
    _mail(tx, swap, own=wanted, other=offered, template="swap_offered", now=now)
    return swap


def _sound(message: str) -> str:
    if len(message.strip()) > LONGEST_MESSAGE:
        sentence = N_("At most %(most)s characters, please.")
        raise Invalid(sentence, code="message_too_long", fields={"message": sentence}, most=LONGEST_MESSAGE)
    return message.strip()


def _end(tx: Tx, swap: Swap, state: SwapState, actor: Actor, now: datetime) -> None:
    """Decline or withdraw, and tell the other one."""
    if swap.state is state:
        return
    if swap.state is not SwapState.OFFERED:
        raise Conflict(N_("This offer stands no longer."), code="not_standing")
    _decide(tx, swap, state, actor, now)
    own, other = swap.offered, swap.wanted
    if state is SwapState.WITHDRAWN:
        own, other = other, own
    _mail(tx, swap, own=own, other=other, template="swap_ended", now=now)


def _expire(swap_id: UUID, now: datetime) -> int:
    with transaction() as tx:
        swap = tx.lock(queries.swap(swap_id))
        if swap.state is not SwapState.OFFERED or (swap.expires_at > now and not queries.is_stale(swap)):
            return 0
        _decide(tx, swap, SwapState.EXPIRED, SYSTEM, now)
        if not queries.is_stale(swap):
            _mail(tx, swap, own=swap.offered, other=swap.wanted, template="swap_ended", now=now)
        return 1


def _decide(tx: Tx, swap: Swap, state: SwapState, actor: Actor, now: datetime) -> None:
    swap.state, swap.decided_at = state, now
    audit.record(tx, actor.person_id, state.value, swap, now)


def _mail(tx: Tx, swap: Swap, *, own: Booking, other: Booking, template: str, now: datetime) -> None:
    """Mail the holder of one of the two bookings; of the other one it says what free/busy says, and no name."""
    person = own.person
    if person is None:
        return
    mail.send(
        tx,
        key=f"{template}:{swap.id}",
        to=person.email,
        language=person.language,
        template=template,
        values={
            "name": person.name,
            "own": _in_words(own, person.language),
            "other": _in_words(other, person.language),
            "message": swap.message,
            "until": swap.expires_at.isoformat(),
            "zone": own.instrument.facility.timezone,
            "state": swap.state.value,
            "path": f"/swaps/{swap.id}",
        },
        at=now,
    )


def _in_words(row: Booking, language: str) -> dict[str, str]:
    facility = row.instrument.facility
    return {
        "instrument": either(language, row.instrument.name_it, row.instrument.name),
        "facility": either(language, facility.name_it, facility.name_en),
        "start": row.starts_at.isoformat(),
        "end": row.ends_at.isoformat(),
        "zone": facility.timezone,
    }
