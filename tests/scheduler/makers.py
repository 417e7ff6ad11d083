"""Factories with defaults: problems, requests and parts as JSON, and a solve without a child process."""

from typing import Any

from scheduler import Plan, Problem
from scheduler.exact import Work, run
from scheduler.protocol import Progress
from scheduler.quick import first_plan, gather
from scheduler.search import Budget

Json = dict[str, Any]


def a_part(name: str = "p", /, **changes: object) -> Json:
    """A part that wants 4 grains of `r` in blocks of 2."""
    return {"id": name, "alternatives": ["r"], "amount": 4, "least": 2, "lengths": [2], **changes}


def a_request(name: str = "q", member: str = "m", *parts: Json, **changes: object) -> Json:
    return {
        "id": name,
        "shares": {member: 1.0},
        "merit": 10,
        "needs": "any",
        "parts": list(parts) or [a_part()],
        "lags": [],
        **changes,
    }


def a_problem(*requests: Json, fairness: str = "leximin", **changes: object) -> Json:
    """One resource `r` of capacity 1 that is open for 8 grains, and the members that the requests name."""
    members = sorted({member for request in requests for member in request["shares"]})
    return {
        "schema": "equora-problem/1",
        "grain_minutes": 30,
        "start": "2027-01-04T00:00:00Z",
        "grains": 8,
        "policy": {"fairness": fairness, "value_slack": 0.0, "seed": 1, "quotas": []},
        "members": [{"id": member, "weight": 1.0, "past_use": 0} for member in members],
        "resources": [{"id": "r", "capacity": 1, "cost": 1}],
        "requests": list(requests),
        "published": [],
        "frozen_until": 0,
        "pins": [],
        "forbidden": [],
        **changes,
    }


def a_row(request: str = "q", start: int = 0, length: int = 2, part: str = "p", resource: str = "r") -> Json:
    """A published block or a full pin."""
    return {"request": request, "part": part, "resource": resource, "start": start, "length": length}


def plans_of(document: Json, limit: float = 20.0) -> list[Plan]:
    """All plans handed out on the way, the last one the best, made in this process."""
    problem = Problem.from_json(document)
    plans: list[Plan] = []
    evidence = gather(problem, problem.policy.seed, limit, "test")
    first_plan(evidence, plans.append)
    run(Work(evidence, plans.append, ignore, Budget(limit)))
    return plans


def ignore(_progress: Progress) -> None:
    """Progress is of no interest here."""


def plan_of(document: Json, limit: float = 20.0) -> Json:
    """The best plan as JSON."""
    return plans_of(document, limit)[-1].to_json()


def certificate_of(document: Json) -> Json:
    certificate: Json = plan_of(document)["certificate"]
    return certificate
