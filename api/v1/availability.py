"""When an instrument is busy, as JSON: stretches without names, with an entity tag that costs two reads to check."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from apiflask import APIBlueprint, Schema, fields
from apiflask.fields import AwareDateTime, Integer, List, Nested, String
from apiflask.validators import OneOf
from flask import Response, jsonify, request

from accounts.access import current_actor
from api.v1.answers import RESPONSES
from booking import availability
from booking.availability import Busy
from booking.queries import availability as queries
from booking.queries.availability import Hold, Offer
from core.db import db
from core.errors import Invalid, NotFound
from core.i18n import LANGUAGES, N_
from core.intervals import Interval, joined
from facilities.forms import only_known
from facilities.policy import may_see_free_busy

LONGEST: Final = timedelta(days=92)
LONGEST_OF_ALL: Final = timedelta(days=32)
EARLIEST_YEAR, LATEST_YEAR = 1971, 2199
NOT_AN_INSTANT = N_("Give instants with their offset from UTC, for example 2027-01-04T08:00:00Z.")
blueprint = APIBlueprint("availability", __name__, tag="Availability")


class AvailabilityQuery(Schema):
    """Which time is asked for; both ends are needed."""

    start = AwareDateTime(data_key="from", required=True, metadata={"example": "2027-01-04T00:00:00Z"})
    end = AwareDateTime(data_key="to", required=True, metadata={"example": "2027-01-11T00:00:00Z"})
    lang = String(validate=OneOf(LANGUAGES), metadata={"description": "Language of errors."})


class BusyOut(Schema):
    """A stretch [start, end) in which no unit is free."""

    start = AwareDateTime(required=True)
    end = AwareDateTime(required=True)


class AvailabilityOut(Schema):
    """What was asked, and the busy stretches in it, sorted; opening hours are the operating plan's to say."""

    start = AwareDateTime(data_key="from", required=True)
    end = AwareDateTime(data_key="to", required=True)
    timezone = String(required=True)
    capacity = Integer(required=True)
    busy = List(Nested(BusyOut), required=True)


class AllAvailabilityQuery(AvailabilityQuery):
    """Which time, and of which facility (none: all)."""

    facility = String(metadata={"description": "Slug of a facility."})


class InstrumentBusyOut(Schema):
    """The busy stretches of one instrument, sorted."""

    id = fields.UUID(required=True)
    facility = String(required=True)
    slug = String(required=True)
    timezone = String(required=True)
    capacity = Integer(required=True)
    busy = List(Nested(BusyOut), required=True)


class AllAvailabilityOut(Schema):
    """What was asked, and each instrument whose time may be seen."""

    start = AwareDateTime(data_key="from", required=True)
    end = AwareDateTime(data_key="to", required=True)
    instruments = List(Nested(InstrumentBusyOut), required=True)


@blueprint.get("/availability")
@blueprint.doc(summary="When instruments are busy", operation_id="listAvailability", responses=RESPONSES)
@blueprint.input(AllAvailabilityQuery, location="query", validation=False)
@blueprint.output(AllAvailabilityOut)
def everywhere(**_unchecked: Any) -> Response:
    """Busy stretches of all instruments, or of one facility's, without names."""
    only_known(request.args, {"from", "to", "lang", "facility"})
    asked = _asked(LONGEST_OF_ALL)
    actor = current_actor()
    found = queries.offers(db.session(), request.args.get("facility"))
    if not found and "facility" in request.args:
        raise NotFound
    seen = [one for one in found if may_see_free_busy(actor, one.free_busy_is_public)]
    return _conditional(_tag(seen, asked), lambda: _of_all(seen, asked))


@blueprint.get("/instruments/<uuid:instrument_id>/availability")
@blueprint.doc(summary="When an instrument is busy", operation_id="showAvailabilityById", responses=RESPONSES)
@blueprint.input(AvailabilityQuery, location="query", validation=False)
@blueprint.output(AvailabilityOut)
def by_id(instrument_id: UUID, **_unchecked: Any) -> Response:
    """Busy stretches of an instrument, without names."""
    return _answer(queries.offer_by_id(db.session(), instrument_id))


@blueprint.get("/facilities/<facility_slug>/instruments/<slug>/availability")
@blueprint.doc(summary="When an instrument is busy", operation_id="showAvailability", responses=RESPONSES)
@blueprint.input(AvailabilityQuery, location="query", validation=False)
@blueprint.output(AvailabilityOut)
def by_slugs(facility_slug: str, slug: str, **_unchecked: Any) -> Response:
    """Busy stretches of an instrument, without names."""
    return _answer(queries.offer_by_slugs(db.session(), facility_slug, slug))


def _answer(found: Offer | None) -> Response:
    only_known(request.args, {"from", "to", "lang"})
    if found is None:
        raise NotFound
    may_see_free_busy(current_actor(), found.free_busy_is_public).or_refuse()
    asked = _asked(LONGEST)
    return _conditional(_tag([found], asked), lambda: _of_one(found, asked))


def _conditional(tag: str, content: Callable[[], dict[str, Any]]) -> Response:
    """304 for whoever knows the answer; it is not even made."""
    is_known = request.if_none_match.contains_weak(tag)
    answer = Response(status=304) if is_known else jsonify(content())
    answer.set_etag(tag, weak=True)
    return answer


def _of_one(found: Offer, asked: Interval) -> dict[str, Any]:
    return {
        "from": _text(asked.start),
        "to": _text(asked.end),
        "timezone": found.timezone,
        "capacity": found.capacity,
        "busy": _busy(found, queries.holds(db.session(), [found], asked), asked),
    }


def _of_all(found: list[Offer], asked: Interval) -> dict[str, Any]:
    by_instrument: dict[UUID, list[Hold]] = {one.id: [] for one in found}
    by_group: dict[UUID, list[Hold]] = {one.exclusion_group_id: [] for one in found if one.exclusion_group_id}
    for hold in queries.holds(db.session(), found, asked) if found else ():
        if hold.exclusion_group_id in by_group:
            by_group[hold.exclusion_group_id].append(hold)
        elif hold.instrument_id in by_instrument:
            by_instrument[hold.instrument_id].append(hold)
    shared: list[Hold] = []
    return {
        "from": _text(asked.start),
        "to": _text(asked.end),
        "instruments": [
            {
                "id": str(one.id),
                "facility": one.facility,
                "slug": one.slug,
                "timezone": one.timezone,
                "capacity": one.capacity,
                "busy": _busy(
                    one,
                    by_instrument[one.id] + (by_group[one.exclusion_group_id] if one.exclusion_group_id else shared),
                    asked,
                ),
            }
            for one in found
        ],
    }


def _busy(found: Offer, held: list[Hold], asked: Interval) -> list[dict[str, str]]:
    """Stretches in which no unit is free, cut to what was asked."""
    if found.capacity == 1:
        whole = [(one.start, one.end) for one in held]
    else:
        busy = [Busy(Interval(one.start, one.end), one.unit if one.instrument_id == found.id else None) for one in held]
        pieces = availability.stretches(busy, found.capacity, [asked])
        whole = [(one.interval.start, one.interval.end) for one in pieces if one.free_units == 0]
    return [
        {"start": _text(max(start, asked.start)), "end": _text(min(end, asked.end))} for start, end in joined(whole)
    ]


def _tag(found: list[Offer], asked: Interval) -> str:
    """By the facilities' calendars: a booking of another instrument of an exclusion group makes this one busy."""
    facts = "".join(f"{one.id.hex}{one.capacity}.{one.version or 0};" for one in found)
    digest = hashlib.blake2b(facts.encode(), digest_size=12).hexdigest()
    return f"{digest}-{asked.start.timestamp():.0f}-{asked.end.timestamp():.0f}"


def _asked(longest: timedelta) -> Interval:
    start, end = (_instant(name) for name in ("from", "to"))
    if end <= start:
        message = N_("The end must be after the start.")
        raise Invalid(message, code="ends_before_start", fields={"to": message})
    if end - start > longest:
        message = N_("At most %(days)s days at a time, please.")
        raise Invalid(message, code="too_long", fields={"to": message}, days=longest.days)
    return Interval(start, end)


def _instant(name: str) -> datetime:
    try:
        at = datetime.fromisoformat(request.args.get(name, ""))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not EARLIEST_YEAR <= at.year <= LATEST_YEAR:
        raise Invalid(NOT_AN_INSTANT, code="not_an_instant", fields={name: NOT_AN_INSTANT})
    return at.astimezone(UTC).replace(microsecond=0)


def _text(at: datetime) -> str:
    return f"{at.isoformat()[:19]}Z"
