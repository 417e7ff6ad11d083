"""The life of a round: draft, open, review, allocation, published, closed."""

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from accounts.policy import Actor
from booking.lifecycle import ROUND_STEPS, RoundState, step
from booking.models import Entitlement, Fairness, Feasibility, Request, Round, RoundHold, RoundInstrument
from booking.policy import rounds as policy
from booking.queries import rounds as queries
from core import audit, idempotency
from core.db import Tx, transaction
from core.errors import Conflict, Invalid
from core.i18n import N_
from facilities.models import Instrument
from facilities.policy import BookingMode

GRAINS = (5, 10, 15, 30, 60)
LONGEST_HORIZON = timedelta(days=2 * 366)
OFFERED_POLICIES = (Fairness.LEXIMIN, Fairness.PROPORTIONAL, Fairness.MERIT)
"""Quotas need rows of floors and caps, which a round does not have."""
_STALE = N_("Somebody else changed this round in the meantime. Please look again.")


@dataclass(frozen=True)
class EntitlementContent:
    """What an organisation counts in the round: its weight, and hours of the past that still count."""

    organisation_id: UUID
    weight: float
    past_use_hours: float = 0.0


@dataclass(frozen=True)
class HoldContent:
    """Time that the round keeps back [starts_at, ends_at); no instrument means all of them."""

    starts_at: datetime
    ends_at: datetime
    note: str = ""
    instrument_id: UUID | None = None


@dataclass(frozen=True)
class RoundContent:
    """Everything a manager says of a round."""

    title_it: str
    title_en: str
    opens_at: datetime
    deadline_at: datetime
    horizon_start: datetime
    horizon_end: datetime
    instrument_ids: tuple[UUID, ...]
    description_it: str = ""
    description_en: str = ""
    fairness: Fairness = Fairness.LEXIMIN
    value_slack: float = 0.0
    seed: int = 1
    grain_minutes: int = 30
    scale_worst: float = 0.0
    scale_best: float = 100.0
    entitlements: tuple[EntitlementContent, ...] = ()
    holds: tuple[HoldContent, ...] = ()
    slug: str = ""
    demo: bool = False


FIXED_ONCE_OPEN = ("opens_at", "horizon_start", "horizon_end", "grain_minutes", "scale_worst", "scale_best")
"""What requests and reviews already rely on once the call is out."""
PLAIN = (
    *FIXED_ONCE_OPEN, "title_it", "title_en", "description_it", "description_en", "deadline_at", "fairness",
    "value_slack", "seed",
)  # fmt: skip


def create(content: RoundContent, actor: Actor, now: datetime, key: str) -> UUID:
    """Make a draft; the same key makes one round. Invalid names the fields that are wrong."""
    check(content)
    with transaction() as tx:
        policy.may_open_rounds(actor).or_refuse()
        if actor.person_id and (made := idempotency.made_before(tx, actor.person_id, key, "create_round")):
            return made
        tx.alone("slugs of rounds")
        instruments = _instruments(tx, content.instrument_ids)
        policy.may_manage_round(actor, {row.facility_id for row in instruments}).or_refuse()
        _refuse_unknown_organisations(tx, content.entitlements)
        round_ = Round(
            slug=_free_slug(tx, content.slug or content.title_en),
            timezone=instruments[0].facility.timezone,
            created_by_id=actor.person_id,
            created_at=now,
            demo=content.demo,
        )
        _write(round_, content)
        tx.session.add(round_)
        audit.record(tx, actor.person_id, "create", round_, now)
        if actor.person_id:
            idempotency.remember(tx, actor.person_id, key, "create_round", round_.id, now)
        return round_.id


def edit(round_id: UUID, content: RoundContent, version: int, actor: Actor, now: datetime) -> None:
    """Change a round: everything in a draft; once it is open, only what no request relies on."""
    check(content)
    with transaction() as tx:
        round_, facilities = lock_managed(tx, round_id, actor, version)
        if round_.state not in (RoundState.DRAFT, RoundState.OPEN, RoundState.REVIEW):
            raise Conflict(N_("A round cannot be changed once its allocation has begun."), code="illegal_step")
        if round_.state is not RoundState.DRAFT:
            _refuse_moving_the_ground(round_, content)
        instruments = _instruments(tx, content.instrument_ids)
        policy.may_manage_round(actor, {row.facility_id for row in instruments} | facilities).or_refuse()
        _refuse_unknown_organisations(tx, content.entitlements)
        _write(round_, content)
        round_.version += 1
        audit.record(tx, actor.person_id, "edit", round_, now)


def open_call(round_id: UUID, version: int, actor: Actor, now: datetime) -> None:
    """Publish the call: from now on members can send requests until the deadline."""
    with transaction() as tx:
        round_, facilities = lock_managed(tx, round_id, actor, version)
        if round_.deadline_at <= now:
            raise Conflict(N_("The deadline has passed already: move it first."), code="deadline_passed")
        _advance(tx, round_, "open", facilities, actor, now)


def close_submissions(round_id: UUID, version: int, actor: Actor, now: datetime) -> None:
    """End the time for requests, also before the deadline; the reviews go on."""
    with transaction() as tx:
        round_, facilities = lock_managed(tx, round_id, actor, version)
        _advance(tx, round_, "close_submissions", facilities, actor, now)


def reopen(round_id: UUID, version: int, actor: Actor, now: datetime) -> None:
    """Take requests again, as long as the deadline has not passed."""
    with transaction() as tx:
        round_, facilities = lock_managed(tx, round_id, actor, version)
        if round_.deadline_at <= now:
            raise Conflict(N_("The deadline has passed already: move it first."), code="deadline_passed")
        _advance(tx, round_, "reopen", facilities, actor, now)


def start_allocation(round_id: UUID, version: int, actor: Actor, now: datetime) -> None:
    """Begin to allocate; refused, with the list, while a request lacks its verdict, clearance or score."""
    with transaction() as tx:
        round_, facilities = lock_managed(tx, round_id, actor, version)
        missing = reviews_missing(tx.session.scalars(queries.requests_in_competition(round_.id)))
        if missing:
            message = N_("These requests still lack a review, a safety clearance or a score: %(requests)s.")
            raise Conflict(message, code="reviews_missing", requests=", ".join(map(_named, missing)))
        _advance(tx, round_, "start_allocation", facilities, actor, now)


def back_to_review(round_id: UUID, version: int, actor: Actor, now: datetime) -> None:
    """Reviews may change again; plans made so far can no longer be published."""
    with transaction() as tx:
        round_, facilities = lock_managed(tx, round_id, actor, version)
        _advance(tx, round_, "back_to_review", facilities, actor, now)


def close(round_id: UUID, version: int, actor: Actor, now: datetime) -> None:
    """The round is over: its reserve list is no longer served."""
    with transaction() as tx:
        round_, facilities = lock_managed(tx, round_id, actor, version)
        _advance(tx, round_, "close", facilities, actor, now)


# what several verbs share ---------------------------------------------------------------------------------------------


def lock_managed(tx: Tx, round_id: UUID, actor: Actor, version: int) -> tuple[Round, set[UUID]]:
    """The round, locked, and its facilities: NotFound, Forbidden, or Conflict when it is no longer `version`."""
    round_ = tx.lock(queries.round_to_lock(round_id))
    facilities = set(tx.session.scalars(queries.facilities_of_round(round_id)))
    policy.may_read_round(actor, facilities, is_draft=round_.state is RoundState.DRAFT).or_refuse()
    policy.may_manage_round(actor, facilities).or_refuse()
    if round_.version != version:
        raise Conflict(_STALE, code="stale")
    return round_, facilities


def reviews_missing(requests: Iterable[Request]) -> list[Request]:
    """Requests that keep the allocation from starting: without verdict, or feasible without clearance or score."""
    return [request for request in requests if _is_open_case(request)]


def _is_open_case(request: Request) -> bool:
    review = request.review
    if review is None or review.feasibility is None:
        return True
    if review.feasibility is Feasibility.NOT_FEASIBLE:
        return False
    return review.score is None or not review.safety_is_cleared


def _named(request: Request) -> str:
    """By its acronym where that is no secret: whoever starts the allocation may be of the office."""
    acronym = "" if request.is_confidential else request.acronym
    return f"{request.number} ({acronym})" if acronym else str(request.number)


def _advance(tx: Tx, round_: Round, verb: str, facilities: Collection[UUID], actor: Actor, now: datetime) -> None:
    round_.state = step(ROUND_STEPS, round_.state, verb, policy.role_at(actor, facilities))
    round_.version += 1
    audit.record(tx, actor.person_id, verb, round_, now)


# content --------------------------------------------------------------------------------------------------------------


def check(content: RoundContent) -> None:
    """Raise Invalid with every field that is wrong."""
    fields = dict(_wrong_fields(content))
    if fields:
        raise Invalid(fields=fields)


def _wrong_fields(content: RoundContent) -> Iterable[tuple[str, str]]:
    if not content.title_it.strip():
        yield "title_it", N_("Please give a title.")
    if not content.title_en.strip():
        yield "title_en", N_("Please give a title.")
    if not content.instrument_ids:
        yield "instruments", N_("Please choose at least one instrument.")
    if content.fairness not in OFFERED_POLICIES:
        yield "fairness", N_("This policy is not offered.")
    yield from _wrong_times(content)
    yield from _wrong_numbers(content)


def _wrong_times(content: RoundContent) -> Iterable[tuple[str, str]]:
    if content.deadline_at <= content.opens_at:
        yield "deadline_at", N_("The deadline must be after the opening.")
    if content.horizon_start < content.deadline_at:
        yield "horizon_start", N_("The time that is given must begin after the deadline.")
    if content.horizon_end <= content.horizon_start:
        yield "horizon_end", N_("The end must be after the start.")
    if content.horizon_end - content.horizon_start > LONGEST_HORIZON:
        yield "horizon_end", N_("A round gives the time of two years at most.")
    if any(hold.ends_at <= hold.starts_at for hold in content.holds):
        yield "holds", N_("A hold must end after it starts.")
    if any(hold.instrument_id not in (None, *content.instrument_ids) for hold in content.holds):
        yield "holds", N_("A hold names an instrument that the round does not offer.")


def _wrong_numbers(content: RoundContent) -> Iterable[tuple[str, str]]:
    if content.scale_worst == content.scale_best:
        yield "scale_best", N_("Best and worst score must differ.")
    if not 0 <= content.value_slack <= 1:
        yield "value_slack", N_("Please give a number between 0 and 1.")
    if content.grain_minutes not in GRAINS:
        yield "grain_minutes", N_("Please choose one of the steps.")
    if any(row.weight <= 0 or row.past_use_hours < 0 for row in content.entitlements):
        yield "entitlements", N_("Weights are above 0, past use is not below 0.")
    if len({row.organisation_id for row in content.entitlements}) < len(content.entitlements):
        yield "entitlements", N_("Each organisation has one entitlement.")


def _instruments(tx: Tx, instrument_ids: tuple[UUID, ...]) -> list[Instrument]:
    """The instruments, in the order given; Invalid when one is unknown or not given by rounds."""
    rows = {row.id: row for row in tx.session.scalars(queries.instruments_with_facilities(instrument_ids))}
    found = [rows[instrument_id] for instrument_id in instrument_ids if instrument_id in rows]
    if len(found) != len(instrument_ids) or any(row.booking_mode is not BookingMode.ROUND for row in found):
        raise Invalid(fields={"instruments": N_("The time of one of these instruments is not given by rounds.")})
    return found


def _refuse_unknown_organisations(tx: Tx, contents: tuple[EntitlementContent, ...]) -> None:
    wanted = {content.organisation_id for content in contents}
    if tx.one(queries.how_many_organisations(wanted)) < len(wanted):
        raise Invalid(fields={"entitlements": N_("There is no such organisation.")})


def _refuse_moving_the_ground(round_: Round, content: RoundContent) -> None:
    fields = {
        name: N_("This cannot be changed once the call is open.")
        for name in FIXED_ONCE_OPEN
        if getattr(round_, name) != getattr(content, name)
    }
    if {row.instrument_id for row in round_.instruments} - set(content.instrument_ids):
        fields["instruments"] = N_("An instrument cannot be taken away once the call is open.")
    if fields:
        raise Invalid(fields=fields)


def _write(round_: Round, content: RoundContent) -> None:
    for name in PLAIN:
        setattr(round_, name, getattr(content, name))
    _write_instruments(round_, content.instrument_ids)
    _write_entitlements(round_, content.entitlements)
    round_.holds = [
        RoundHold(starts_at=row.starts_at, ends_at=row.ends_at, note=row.note, instrument_id=row.instrument_id)
        for row in content.holds
    ]


def _write_instruments(round_: Round, instrument_ids: tuple[UUID, ...]) -> None:
    """Keep rows that stay: a unique (round, instrument) would not bear a new one beside the old."""
    known = {row.instrument_id: row for row in round_.instruments}
    rows = [
        known.get(instrument_id) or RoundInstrument(instrument_id=instrument_id) for instrument_id in instrument_ids
    ]
    for position, row in enumerate(rows):
        row.position = position
    round_.instruments = rows


def _write_entitlements(round_: Round, contents: tuple[EntitlementContent, ...]) -> None:
    known = {row.organisation_id: row for row in round_.entitlements}
    rows = []
    for content in contents:
        row = known.get(content.organisation_id) or Entitlement(organisation_id=content.organisation_id)
        row.weight, row.past_use_hours = content.weight, content.past_use_hours
        rows.append(row)
    round_.entitlements = rows


def _free_slug(tx: Tx, title: str) -> str:
    """A slug of the title that no round has yet."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:60] or "round"
    taken = set(tx.session.scalars(queries.slugs_like(slug)))
    return next(name for name in (slug, *(f"{slug}-{n}" for n in range(2, len(taken) + 3))) if name not in taken)
