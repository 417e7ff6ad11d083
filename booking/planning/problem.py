"""A round as a problem of the scheduler (`equora-problem/1`), in an order that depends on nothing but the rows."""

from collections.abc import Iterable
from datetime import UTC, timedelta
from typing import Any

from sqlalchemy.orm import Session

from accounts.models import Organisation
from booking.models import Entitlement, Feasibility, Request, Round
from booking.planning.demand import request_document
from booking.planning.grid import Grid
from booking.planning.offer import resources_of
from booking.queries import rounds as queries

Document = dict[str, Any]
SCHEMA = "equora-problem/1"
DEFAULT_WEIGHT = 1.0
"""What an organisation counts that asks for time without a row among the entitlements."""


def grid_of(round_: Round) -> Grid:
    """The grid on which the round's time is counted."""
    minutes = round_.grain_minutes
    grains = (round_.horizon_end - round_.horizon_start) // timedelta(minutes=minutes)
    return Grid(start=round_.horizon_start.astimezone(UTC), minutes=minutes, grains=grains)


def problem_of(session: Session, round_: Round) -> Document:
    """Everything the scheduler needs to know of a round as it stands now."""
    grid = grid_of(round_)
    resources = resources_of(session, round_, grid)
    by_instrument: dict[Any, list[str]] = {}
    for resource in resources:
        by_instrument.setdefault(resource.instrument_id, []).append(resource.id)
    competing = [
        (request, request.review.score)
        for request in session.scalars(queries.requests_in_competition(round_.id))
        if _competes(request) and request.review and request.review.score is not None
    ]
    return {
        "schema": SCHEMA,
        "grain_minutes": grid.minutes,
        "start": grid.start.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "grains": grid.grains,
        "policy": {
            "fairness": round_.fairness.value,
            "value_slack": round_.value_slack,
            "seed": round_.seed,
            "quotas": [],
        },
        "members": _members(round_, (request.organisation for request, _ in competing), _grain_cost(grid)),
        "resources": [resource.document for resource in resources],
        "requests": [request_document(request, score, by_instrument, grid) for request, score in competing],
    }


def _competes(request: Request) -> bool:
    return request.review is not None and request.review.feasibility is Feasibility.FEASIBLE


def _grain_cost(grid: Grid) -> float:
    """Grains in an hour: past use is kept in hours at cost 1."""
    return 60 / grid.minutes


def _members(round_: Round, asking: Iterable[Organisation], grains_an_hour: float) -> list[Document]:
    """Who shares the time: everyone with an entitlement and everyone who asks, by slug."""
    entitled: dict[str, Entitlement | None] = {row.organisation.slug: row for row in round_.entitlements}
    ids = {row.organisation.slug: row.organisation_id for row in round_.entitlements}
    for organisation in asking:
        entitled.setdefault(organisation.slug, None)
        ids[organisation.slug] = organisation.id
    return [
        {
            "id": str(ids[slug]),
            "weight": row.weight if row else DEFAULT_WEIGHT,
            "past_use": round(row.past_use_hours * grains_an_hour) if row else 0,
        }
        for slug, row in sorted(entitled.items())
    ]
