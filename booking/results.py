"""A plan's outcome as figures for people: shares of organisations, baselines beside ours, what is proven.

Hours are cost-hours: hours of an instrument times its cost (1 unless the facility set another), the unit in which
fairness is counted (ALLOCATION.md, What fair means).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accounts.models import Organisation, OrganisationType
from booking.lifecycle import RequestState
from booking.models import Feasibility, Part, Plan, Request, Round
from booking.queries.rounds import PAST

OURS = "ours"
BASELINES = ("merit", "first_come", "fair")


@dataclass(frozen=True)
class Share:
    """An organisation in a plan, in cost-hours; `satisfaction` is None when nothing was due to it."""

    organisation: Organisation
    weight: float
    past_use: float
    asked: float
    fair: float
    granted: float
    satisfaction: float | None
    left_out: str


@dataclass(frozen=True)
class Outcome:
    """What one way of giving the time would do: ours, or one of the simple rules it is compared with."""

    name: str
    hours: float
    value: float
    worst: float | None
    requests_served: int
    of_type: Mapping[OrganisationType | None, float]


@dataclass(frozen=True)
class Level:
    """One goal: what was reached, what nobody can exceed, and whether the two meet."""

    name: str
    achieved: str
    bound: str
    proven: bool


@dataclass(frozen=True)
class Result:
    """Everything that is shown of a plan besides its blocks."""

    shares: Sequence[Share]
    outcomes: Sequence[Outcome]
    types: Sequence[OrganisationType | None]
    levels: Sequence[Level]
    certificate: Mapping[str, Any]

    @property
    def ours(self) -> Outcome:
        """Our own plan's line."""
        return self.outcomes[0]

    @property
    def widest(self) -> float:
        """The longest bar of the picture, in cost-hours."""
        return max((max(row.asked, row.fair, row.granted) for row in self.shares), default=0) or 1.0

    @property
    def proven_levels(self) -> int:
        """How many goals are proven optimal."""
        return sum(level.proven for level in self.levels)


def result_of(plan: Plan, round_: Round, requests: Iterable[Request]) -> Result | None:
    """The figures of a plan; None while it has none. `requests` are all that were sent in the round."""
    certificate = plan.certificate
    if certificate is None:
        return None
    competing = [row for row in requests if competed(row)]
    organisations = {row.organisation_id: row.organisation for row in competing}
    organisations |= {row.organisation_id: row.organisation for row in round_.entitlements}
    hour = round_.grain_minutes / 60
    shares = _shares(certificate, round_, competing, organisations, hour)
    types = list(dict.fromkeys(row.organisation.type for row in shares))
    ours = Outcome(
        OURS,
        sum(row.granted for row in shares),
        certificate["value"] * hour,
        min(certificate["s_sorted"], default=None),
        len({block.request_id for block in plan.blocks}),
        _by_type({str(row.organisation.id): row.granted for row in shares}, organisations, 1),
    )
    baselines = [_baseline(name, certificate["baselines"], organisations, hour) for name in BASELINES]
    levels = [_level(row) for row in certificate["levels"]]
    return Result(shares, [ours, *(row for row in baselines if row)], types, levels, certificate)


def competed(request: Request) -> bool:
    """Whether the request was part of the problem."""
    review = request.review
    is_judged = review is not None and review.feasibility is Feasibility.FEASIBLE and review.score is not None
    return is_judged and (request.state is RequestState.SUBMITTED or request.state in PAST)


def _shares(
    certificate: Mapping[str, Any],
    round_: Round,
    competing: Sequence[Request],
    organisations: Mapping[UUID, Organisation],
    hour: float,
) -> list[Share]:
    entitled = {row.organisation_id: row for row in round_.entitlements}
    asked: dict[UUID, float] = {}
    for request in competing:
        asked[request.organisation_id] = asked.get(request.organisation_id, 0.0) + sum(map(_asked, request.parts))
    found = []
    for organisation_id, organisation in organisations.items():
        member = certificate["members"].get(str(organisation_id))
        if member is None:
            continue
        row = entitled.get(organisation_id)
        found.append(
            Share(
                organisation,
                row.weight if row else 1.0,
                row.past_use_hours if row else 0.0,
                asked.get(organisation_id, 0.0),
                member["T"] * hour,
                member["served"] * hour,
                member["s"],
                certificate["left_out"].get(str(organisation_id), ""),
            )
        )
    return sorted(found, key=lambda share: (-share.fair, -share.asked, share.organisation.name))


def _asked(part: Part) -> float:
    cost = part.alternatives[0].instrument.cost if part.alternatives else 1.0
    return part.amount_minutes / 60 * cost


def _baseline(
    name: str, rows: Mapping[str, Any], organisations: Mapping[UUID, Organisation], hour: float
) -> Outcome | None:
    row = rows.get(name)
    if row is None:
        return None
    return Outcome(
        name,
        row["served_total"] * hour,
        row["value"] * hour,
        min(row["s_sorted"], default=None),
        row["requests_served"],
        _by_type(row["served"], organisations, hour),
    )


def _by_type(
    served: Mapping[str, float], organisations: Mapping[UUID, Organisation], hour: float
) -> dict[OrganisationType | None, float]:
    sums: dict[OrganisationType | None, float] = {}
    for member, amount in served.items():
        organisation = organisations.get(UUID(member))
        kind = organisation.type if organisation else None
        sums[kind] = sums.get(kind, 0.0) + amount * hour
    return sums


def _level(row: Mapping[str, Any]) -> Level:
    return Level(row["name"], _figure(row["achieved"]), _figure(row["bound"]), bool(row["proven"]))


def _figure(value: object) -> str:
    """A level's figure as digits: one number, or a vector's ends (a vector of 100 members fits no page)."""
    if isinstance(value, list):
        return " … ".join(f"{entry:.4f}" for entry in ([value[0], value[-1]] if value else []))
    return f"{value:g}" if isinstance(value, int | float) else str(value)
