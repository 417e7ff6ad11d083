"""When an instrument is busy, as JSON: stretches without names, with an entity tag that costs two reads to check."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from apiflask import APIBlueprint, Schema
from apiflask.fields import AwareDateTime, Integer, List, Nested, String
from apiflask.validators import OneOf
from flask import Response, jsonify, request
from sqlalchemy import Select

from accounts.access import current_actor
from api.v1.answers import RESPONSES
from booking import availability
from booking.models import CalendarKind
from booking.queries import ledger as queries
from core.db import db
from core.errors import Invalid, NotFound
from core.i18n import LANGUAGES, N_
from core.intervals import Interval
from facilities.forms import only_known
from facilities.models import Instrument
from facilities.policy import may_see_free_busy

LONGEST: Final = timedelta(days=92)
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


@blueprint.get("/instruments/<uuid:instrument_id>/availability")
@blueprint.doc(summary="When an instrument is busy", operation_id="showAvailabilityById", responses=RESPONSES)
@blueprint.input(AvailabilityQuery, location="query", validation=False)
@blueprint.output(AvailabilityOut)
def by_id(instrument_id: UUID, **_unchecked: Any) -> Response:
    """Busy stretches of an instrument, without names."""
    return _answer(queries.instrument(instrument_id))


@blueprint.get("/facilities/<facility_slug>/instruments/<slug>/availability")
@blueprint.doc(summary="When an instrument is busy", operation_id="showAvailability", responses=RESPONSES)
@blueprint.input(AvailabilityQuery, location="query", validation=False)
@blueprint.output(AvailabilityOut)
def by_slugs(facility_slug: str, slug: str, **_unchecked: Any) -> Response:
    """Busy stretches of an instrument, without names."""
    return _answer(queries.instrument_by_slugs(facility_slug, slug))


def _answer(wanted: Select[Instrument]) -> Response:
    only_known(request.args, {"from", "to", "lang"})
    instrument = db.session.scalars(wanted).one_or_none()
    if instrument is None:
        raise NotFound
    may_see_free_busy(current_actor(), instrument.facility.free_busy_is_public).or_refuse()
    asked = _asked()
    tag = _tag(instrument, asked)
    is_known = request.if_none_match.contains_weak(tag)
    answer = Response(status=304) if is_known else jsonify(_content(instrument, asked))
    answer.set_etag(tag, weak=True)
    return answer


def _content(instrument: Instrument, asked: Interval) -> dict[str, Any]:
    rows = db.session.scalars(queries.held_on(instrument, asked)).all()
    pieces = availability.stretches(queries.busy(rows, instrument), instrument.capacity, [asked])
    return {
        "from": _text(asked.start),
        "to": _text(asked.end),
        "timezone": instrument.facility.timezone,
        "capacity": instrument.capacity,
        "busy": [
            {"start": _text(one.interval.start), "end": _text(one.interval.end)}
            for one in pieces
            if one.free_units == 0
        ],
    }


def _tag(instrument: Instrument, asked: Interval) -> str:
    """By the facility's calendar: a booking of another instrument of the exclusion group makes this one busy."""
    version = db.session.scalar(queries.calendar_version(CalendarKind.FACILITY, instrument.facility_id))
    count = version.version if version else 0
    stretch = f"{asked.start.timestamp():.0f}-{asked.end.timestamp():.0f}"
    return f"{instrument.id.hex}-{count}-{instrument.capacity}-{stretch}"


def _asked() -> Interval:
    start, end = (_instant(name) for name in ("from", "to"))
    if end <= start:
        message = N_("The end must be after the start.")
        raise Invalid(message, code="ends_before_start", fields={"to": message})
    if end - start > LONGEST:
        message = N_("At most %(days)s days at a time, please.")
        raise Invalid(message, code="too_long", fields={"to": message}, days=LONGEST.days)
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
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
