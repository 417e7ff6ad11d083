"""The demo round: proven fair, fuller than granting by score, and something for everyone."""

from functools import cache

from scheduler import check
from tests.scheduler.demo import demo_problem
from tests.scheduler.makers import Json, plan_of

GRAINS_AN_HOUR = 2
HOURS_BY_SCORE = 292  # what granting by score until full uses


@cache
def demo_plan() -> Json:
    return plan_of(demo_problem(), limit=1.8)


def test_every_goal_is_proven_optimal() -> None:
    certificate = demo_plan()["certificate"]
    assert [level["name"] for level in certificate["levels"] if not level["proven"]] == []
    assert (certificate["value"], certificate["s_sorted"]) == (
        49848,
        [0.862745, 0.862745, 0.882353, 0.941176, 0.941176],
    )


def test_what_serving_a_refused_request_would_cost_is_mostly_proven_too() -> None:
    trades = [row["evidence"]["trade"] for row in demo_plan()["certificate"]["refusals"].values()]
    assert 2 * sum(trade["proven"] for trade in trades) > len(trades) > 0


def test_the_plan_passes_the_independent_check() -> None:
    assert check(demo_problem(), demo_plan()) == []


def test_more_hours_are_used_than_by_score_and_every_type_of_organisation_gets_some() -> None:
    hours = {name: row["served"] / GRAINS_AN_HOUR for name, row in demo_plan()["certificate"]["members"].items()}
    assert sum(hours.values()) > HOURS_BY_SCORE
    assert min(hours.values()) > 0


def test_no_greedy_plan_is_fairer() -> None:
    certificate = demo_plan()["certificate"]
    assert certificate["s_sorted"] >= max(row["s_sorted"] for row in certificate["baselines"].values())


def test_every_request_that_is_not_fully_served_has_a_reason_with_evidence() -> None:
    refusals = demo_plan()["certificate"]["refusals"]
    assert refusals
    assert all(row["code"] and row["evidence"] for row in refusals.values())
