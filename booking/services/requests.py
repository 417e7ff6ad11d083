"""The verbs of a member's request: begin, save, submit, withdraw, clone, and the office's break-glass.

Locks are taken in one order: idempotency key, round, request, instruments (docs/reference/locking.md).
"""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from accounts.policy import Actor
from booking.content import PartContent, RequestContent, WindowContent
from booking.lifecycle import REQUEST_STEPS, RequestState, RoundState, step
from booking.models import Booking, Entitlement, Lag, Part, PartAlternative, Request, RequestEvent, Round, Window
from booking.policy import requests as policy
from booking.queries import requests as queries
from booking.queries import rounds as round_queries
from booking.request_rules import Strictness, problems_of
from booking.services import ledger
from core import audit, formats, idempotency, mail
from core.db import Tx, transaction
from core.errors import Conflict, Forbidden, Invalid, NotFound
from core.i18n import N_, either
from core.intervals import Interval, intersection

LONGEST_REASON = 1000


def begin(round_id: UUID, organisation_id: UUID, actor: Actor, now: datetime, key: str = "") -> UUID:
    """Start an empty draft in an open round, in the name of an organisation that has an entitlement there."""
    with transaction() as tx:
        policy.may_begin(actor, organisation_id).or_refuse()
        person_id = _person_of(actor)
        known = idempotency.made_before(tx, person_id, key, "request.begin")
        if known:
            return known
        round_ = _open_round(tx, round_id, actor, now)
        _refuse_without_entitlement(tx, round_.id, organisation_id)
        request = _new_draft(tx, round_, organisation_id, person_id, now)
        _write(tx, request, RequestContent(parts=(PartContent(),)))  # a form starts with one part
        _happened(tx, request, "begin", actor, now)
        idempotency.remember(tx, person_id, key, "request.begin", request.id, now)
        return request.id


def save(request_id: UUID, content: RequestContent, version: int, actor: Actor, now: datetime) -> int:
    """Keep what a draft says and give its new version; Conflict when it is no longer at `version`.

    Content that says nothing new changes nothing, so that an autosave leaves no trace.
    """
    with transaction() as tx:
        round_ = tx.one(
            round_queries.round_to_lock(tx.one(queries.round_id_of(request_id)))
        )  # not held: drafts are many
        request = _to_change(tx, request_id, round_, "edit", version, actor, now)
        _refuse_problems(content, round_, Strictness.DRAFT)
        if content == queries.content_of(request):
            return request.version
        _write(tx, request, content)
        request.version += 1
        request.updated_at = now
        audit.record(tx, actor.person_id, "request.save", request, now, detail={"version": request.version})
        return request.version


def submit(request_id: UUID, actor: Actor, now: datetime, version: int | None = None) -> None:
    """Send a draft that passes every rule; it gets its number in the round."""
    with transaction() as tx:
        round_ = tx.lock(round_queries.round_to_lock(tx.one(queries.round_id_of(request_id))))
        request = _to_change(tx, request_id, round_, "submit", version, actor, now)
        _refuse_without_entitlement(tx, round_.id, request.organisation_id)
        _refuse_problems(queries.content_of(request), round_, Strictness.SUBMIT)
        role = policy.owner_role(actor, request.organisation_id)
        request.state = step(REQUEST_STEPS, request.state, "submit", role)
        round_.requests_numbered += 1
        round_.version += 1
        request.number = round_.requests_numbered
        request.submitted_at = now
        _changed(request, now)
        _happened(tx, request, "submit", actor, now)
        _tell_owner(tx, request, "request_submitted", now)


def withdraw(request_id: UUID, actor: Actor, now: datetime, reason: str = "") -> None:
    """Take a request back; once it was sent, with a reason. Time it holds in the future is given back."""
    reason = reason.strip()
    with transaction() as tx:
        round_ = tx.lock(round_queries.round_to_lock(tx.one(queries.round_id_of(request_id))))
        request = tx.lock(queries.request_to_lock(request_id))
        policy.may_withdraw(actor, queries.standing(request)).or_refuse()
        role = policy.owner_role(actor, request.organisation_id)
        was_sent = request.state is not RequestState.DRAFT
        request.state = step(REQUEST_STEPS, request.state, "withdraw", role)
        _refuse_bad_reason(reason, was_sent)
        _changed(request, now)
        _happened(tx, request, "withdraw", actor, now, reason)
        if was_sent:
            round_.version += 1
            _give_back(tx, request, actor, now, reason)
            _tell_owner(tx, request, "request_withdrawn", now, reason=reason)


def clone(request_id: UUID, actor: Actor, now: datetime, key: str = "", round_id: UUID | None = None) -> UUID:
    """Start a draft that says what an own request says, in the same round or another open one.

    What the other round does not offer is left out: its instruments, its configurations, times outside its horizon.
    """
    with transaction() as tx:
        person_id = _person_of(actor)
        known = idempotency.made_before(tx, person_id, key, "request.clone")
        if known:
            return known
        original = tx.one(queries.request_in_full(request_id))
        policy.may_clone(actor, queries.standing(original)).or_refuse()
        round_ = _open_round(tx, round_id or original.round_id, actor, now)
        organisation_id = _organisation_for(tx, round_.id, original.organisation_id, actor)
        request = _new_draft(tx, round_, organisation_id, person_id, now)
        request.cloned_from_id = original.id
        _write(tx, request, _fitted(queries.content_of(original), round_))
        _happened(tx, request, "clone", actor, now)
        idempotency.remember(tx, person_id, key, "request.clone", request.id, now)
        return request.id


def break_glass(request_id: UUID, actor: Actor, now: datetime, reason: str) -> None:
    """Note that the office opens a confidential request, and why; the note comes before the look."""
    with transaction() as tx:
        request = tx.one(queries.request_to_lock(request_id))
        policy.may_break_glass(actor, queries.standing(request)).or_refuse()
        _refuse_bad_reason(reason.strip(), needed=True)
        audit.record(tx, actor.person_id, "request.break_glass", request, now, reason=reason.strip())


def takes_requests(round_: Round, now: datetime) -> bool:
    """Whether drafts of this round can be kept and sent right now."""
    return round_.state is RoundState.OPEN and round_.opens_at <= now < round_.deadline_at


# what the verbs share -------------------------------------------------------------------------------------------------


def _person_of(actor: Actor) -> UUID:
    if actor.person_id is None:
        raise Forbidden
    return actor.person_id


def _open_round(tx: Tx, round_id: UUID, actor: Actor, now: datetime) -> Round:
    round_ = tx.lock(round_queries.round_to_lock(round_id))
    _refuse_unless_open(round_, actor, now)
    return round_


def _refuse_unless_open(round_: Round, actor: Actor, now: datetime) -> None:
    if round_.state is RoundState.DRAFT:
        raise NotFound
    if now >= round_.deadline_at:
        raise Conflict(
            N_("The deadline of this round was %(deadline)s: it takes no more requests."),
            code="deadline_passed",
            deadline=formats.moment(round_.deadline_at, round_.timezone, actor.language),
        )
    if not takes_requests(round_, now):
        raise Conflict(N_("This round takes no requests now."), code="round_not_open")


def _refuse_without_entitlement(tx: Tx, round_id: UUID, organisation_id: UUID) -> None:
    known = select(Entitlement.id).where(
        Entitlement.round_id == round_id, Entitlement.organisation_id == organisation_id
    )
    if tx.session.scalar(known) is None:
        raise Forbidden(N_("This organisation has no entitlement in this round."))


def _organisation_for(tx: Tx, round_id: UUID, wished: UUID, actor: Actor) -> UUID:
    """The wished organisation if it may ask in the round, else the first of the actor's that may."""
    entitled = tx.session.scalars(queries.organisations_entitled(round_id, frozenset(actor.memberships))).all()
    ids = [organisation.id for organisation in entitled]
    if not ids:
        raise Forbidden(N_("None of your organisations has an entitlement in this round."))
    return wished if wished in ids else ids[0]


def _to_change(
    tx: Tx, request_id: UUID, round_: Round, verb: str, version: int | None, actor: Actor, now: datetime
) -> Request:
    """The locked request, once it is sure that the actor may change it now."""
    request = tx.lock(queries.request_to_lock(request_id))
    policy.may_change(actor, queries.standing(request)).or_refuse()
    step(REQUEST_STEPS, request.state, verb, policy.owner_role(actor, request.organisation_id))
    _refuse_unless_open(round_, actor, now)
    if version is not None and request.version != version:
        raise Conflict(N_("This request was changed in another window. Please look at it again."), code="old_version")
    return request


def _refuse_problems(content: RequestContent, round_: Round, strictness: Strictness) -> None:
    problems = problems_of(content, queries.round_facts(round_), strictness)
    if problems:
        raise Invalid(fields=dict(reversed(problems)))  # of several on one field the first stays


def _give_back(tx: Tx, request: Request, actor: Actor, now: datetime, reason: str) -> None:
    """Cancel what the request holds in the future; what has begun stays in the ledger."""
    seen = tx.session.scalars(queries.live_bookings_of(request.id)).all()
    if not seen:
        return
    ledger.lock_instruments(tx, {row.instrument_id for row in seen})
    again = queries.live_bookings_of(request.id).with_for_update(of=Booking)
    for row in tx.session.scalars(again.execution_options(populate_existing=True)).all():
        if row.starts_at > now:
            ledger.change_state(tx, row, "cancel", actor, now, reason)


def _refuse_bad_reason(reason: str, needed: bool) -> None:
    if needed and not reason:
        raise Invalid(fields={"reason": N_("Please say why.")})
    if len(reason) > LONGEST_REASON:
        raise Invalid(fields={"reason": N_("This text is too long.")})


def _new_draft(tx: Tx, round_: Round, organisation_id: UUID, person_id: UUID, now: datetime) -> Request:
    request = Request(
        round_id=round_.id,
        organisation_id=organisation_id,
        person_id=person_id,
        demo=round_.demo,
        created_at=now,
        updated_at=now,
    )
    tx.session.add(request)
    tx.session.flush()
    return request


def _changed(request: Request, now: datetime) -> None:
    request.version += 1
    request.updated_at = now


def _happened(tx: Tx, request: Request, verb: str, actor: Actor, now: datetime, reason: str = "") -> None:
    """Tell the owner's timeline and the audit trail."""
    tx.session.add(RequestEvent(request_id=request.id, at=now, verb=verb, state=request.state, note=reason))
    audit.record(tx, actor.person_id, f"request.{verb}", request, now, reason=reason)


def _tell_owner(tx: Tx, request: Request, template: str, now: datetime, reason: str = "") -> None:
    owner, round_ = request.person, request.round
    values = {
        "name": owner.name,
        "title": request.title,
        "number": request.number,
        "round": either(owner.language, round_.title_it, round_.title_en),
        "minutes": queries.content_of(request).minutes,
        "deadline": round_.deadline_at.isoformat(),
        "zone": round_.timezone,
        "path": f"/requests/{request.id}",
        "reason": reason,
    }
    mail.send(
        tx,
        key=f"{template}:{request.id}",
        to=owner.email,
        language=owner.language,
        template=template,
        values=values,
        at=now,
    )


# content into rows ----------------------------------------------------------------------------------------------------


def _write(tx: Tx, request: Request, content: RequestContent) -> None:
    """Replace what the request says; parts and lags are made anew."""
    for column in queries.CONTENT_COLUMNS:
        setattr(request, column, getattr(content, column))
    request.lags.clear()
    tx.session.flush()
    request.parts.clear()
    tx.session.flush()  # the old rows go before new ones take their places
    request.parts.extend(_part(place, part) for place, part in enumerate(content.parts))
    tx.session.flush()
    request.lags.extend(
        Lag(
            after_id=request.parts[lag.after].id,
            then_id=request.parts[lag.then].id,
            least_minutes=lag.least_minutes,
            most_minutes=lag.most_minutes,
        )
        for lag in content.lags
    )
    tx.session.flush()


def _part(place: int, content: PartContent) -> Part:
    part = Part(position=place, lengths_minutes=list(content.lengths_minutes))
    for column in queries.PART_COLUMNS:
        setattr(part, column, getattr(content, column))
    part.alternatives = [
        PartAlternative(instrument_id=instrument, position=position)
        for position, instrument in enumerate(content.instrument_ids)
    ]
    part.windows = [
        Window(starts_at=window.starts_at, ends_at=window.ends_at, kind=window.kind) for window in content.windows
    ]
    return part


def _fitted(content: RequestContent, round_: Round) -> RequestContent:
    """The content without what another round does not offer."""
    facts = queries.round_facts(round_)
    offered = {instrument.configuration for instrument in facts.instruments.values()}
    parts = tuple(
        replace(
            part,
            instrument_ids=tuple(i for i in part.instrument_ids if i in facts.instruments),
            configuration=part.configuration if part.configuration in offered else None,
            windows=tuple(_cut(part.windows, facts.horizon)),
        )
        for part in content.parts
    )
    return replace(content, parts=parts)


def _cut(windows: tuple[WindowContent, ...], horizon: Interval) -> list[WindowContent]:
    return [
        WindowContent(piece.start, piece.end, window.kind)
        for window in windows
        for piece in intersection([Interval(window.starts_at, window.ends_at)], [horizon])
    ]
