"""Limits: of wall time, of the work itself, and the same plan whatever the machine has to offer."""

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import scheduler
from scheduler import Problem, check, solve
from scheduler.exact import Work, run
from scheduler.quick import first_plan, gather
from scheduler.search import Budget
from tests.scheduler.demo import demo_problem
from tests.scheduler.makers import Json, ignore, plan_of
from tests.scheduler.random_problems import a_rich_problem

ROOT = Path(scheduler.__file__).parent.parent
HASHES = """
import hashlib, json, sys
from tests.scheduler import test_limits
print(test_limits.fingerprint())
"""


def a_long_problem() -> Json:
    """The demo round with shifts that may start every four hours of the week: its proofs would take minutes."""
    document = demo_problem()
    for resource in document["resources"]:
        resource |= {"starts": list(range(0, document["grains"], 8))}
    for request in document["requests"]:
        for part in request["parts"]:
            part["alternatives"] = [resource["id"] for resource in document["resources"]]
            part["gap"] = None
    return document


@pytest.mark.parametrize("limit", [2.0, 3.0])
def test_short_limits_of_time_are_honoured_within_a_tenth(limit: float) -> None:
    problem = Problem.from_json(a_long_problem())
    began = time.monotonic()
    plan = solve(problem, time_limit=limit)
    assert time.monotonic() - began < limit * 1.1
    assert check(a_long_problem(), plan.to_json()) == []


@pytest.mark.parametrize("limit", [0.1, 0.5])
def test_the_work_ends_by_its_own_limit_before_any_clock_stops_it(limit: float) -> None:
    problem = Problem.from_json(a_long_problem())
    plans: list[scheduler.Plan] = []
    evidence = gather(problem, 1, limit, "test")
    first_plan(evidence, plans.append)
    budget = Budget(limit)
    run(Work(evidence, plans.append, ignore, budget))
    assert budget.spent < 1.5 * limit  # the solver looks at its limit now and then
    certificate = plans[-1].certificate
    assert certificate["proven"] is False
    assert check(a_long_problem(), plans[-1].to_json()) == []


def documents() -> list[Json]:
    policies = ("leximin", "merit", "proportional", "quota")
    return [demo_problem(), *(a_rich_problem(seed, fairness) for seed in (1, 2, 6) for fairness in policies)]


def fingerprint() -> str:
    """A hash of the plans of several problems, and of one whose limit ends it."""
    plans = [plan_of(document, limit=2.0) for document in documents()] + [plan_of(a_long_problem(), limit=0.2)]
    return hashlib.sha256(json.dumps(plans).encode()).hexdigest()


def test_plans_do_not_depend_on_the_hash_seed_nor_on_the_number_of_cores() -> None:
    core = min(os.sched_getaffinity(0))
    found = set()
    for seed, wrap in (("1", []), ("2", ["taskset", "-c", str(core)])):
        command = [*wrap, sys.executable, "-c", HASHES]
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        )
        found.add(done.stdout)
    assert len(found) == 1
