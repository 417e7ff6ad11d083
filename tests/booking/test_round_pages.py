"""Pages of rounds as browsers see them: who finds what, and the manager's way from draft to result."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from booking import planning
from booking.lifecycle import PlanState, RequestState, RoundState
from booking.models import Feasibility, Plan, Round
from booking.services import plans
from core import clock
from core.db import db, transaction
from facilities.policy import BookingMode
from jobs.tasks import perform_all_due
from tests.booking.rounds_world import NOW, World, a_world
from tests.factories import MONDAY, a_facility, a_manager, a_person, an_instrument, an_organisation
from tests.support import Browser, browser


def managing(app: Flask, world: World) -> Browser:
    return browser(app, world.manager.id)


def text(client: Browser, url: str, status: int = 200, **kwargs: Any) -> str:
    answer = client.get(url, **kwargs)
    assert answer.status_code == status, answer.text
    return answer.text


def state_of(world: World) -> RoundState:
    return world.round.state


@pytest.fixture
def solved(context: Flask) -> tuple[World, Plan]:
    """A world in allocation with a real plan."""
    world = a_world()
    plan_id = plans.propose(world.round_id, 1, 10, world.acting, NOW, "")
    plans.run({"plan_id": str(plan_id)}, lambda: None)
    return world, world.plan(plan_id)


def test_visitors_read_open_calls_and_their_feed_but_no_drafts(context: Flask, visitor: Browser) -> None:
    with clock.frozen_at(MONDAY - timedelta(days=30)):
        world, draft = a_world(RoundState.OPEN), a_world(RoundState.DRAFT)
        slug = world.round.slug
        index = text(visitor, "/rounds?lang=en")
        assert f"/rounds/{slug}" in index
        assert f"/rounds/{draft.round.slug}" not in index
        assert "Sign in to send a request" in text(visitor, f"/rounds/{slug}?lang=en")
        text(visitor, f"/rounds/{draft.round.slug}", 404)
        text(visitor, "/rounds/none", 404)
        feed = visitor.get("/rounds.atom")
        assert feed.mimetype == "application/atom+xml"
        assert feed.text.count("<entry>") == 1


@pytest.mark.parametrize("page", ["requests", "plans", "edit", "reserve"])
def test_the_desk_is_closed_to_members_and_to_managers_of_other_places(context: Flask, page: str) -> None:
    world = a_world(RoundState.OPEN)
    url = f"/rounds/{world.round.slug}/{page}"
    assert browser(context).get(url).status_code == 303
    for person in (world.members[0], a_manager(a_facility()), a_person()):
        assert browser(context, person.id).get(url).status_code in (403, 404)
    if page != "edit":
        text(managing(context, world), url)


def a_form(instrument_id: object, **values: Any) -> dict[str, Any]:
    return {
        "key": "a key",
        "version": "0",
        "title_it": "Fasci",
        "title_en": "Beams",
        "instruments": [str(instrument_id)],
        "opens_day": "2026-11-01",
        "opens_at": "09:00",
        "deadline_day": "2026-12-07",
        "deadline_at": "12:00",
        "horizon_start": "2027-01-04",
        "horizon_end": "2027-03-28",
        "fairness": "leximin",
        "value_slack": "0,02",
        "seed": "3",
        "grain_minutes": "30",
        "scale_worst": "5",
        "scale_best": "1",
        **values,
    }


def test_a_manager_writes_a_round_by_the_form(context: Flask) -> None:
    beam, organisation = an_instrument(booking_mode=BookingMode.ROUND), an_organisation()
    client = browser(context, a_manager(beam.facility).id)
    assert str(beam.id) in text(client, "/rounds/new")
    form = a_form(
        beam.id,
        **{
            "entitlements-0-organisation_id": str(organisation.id),
            "entitlements-0-weight": "2,5",
            "entitlements-0-past_use": "",
            "holds-0-day": "2027-01-10",
            "holds-0-at": "08:00",
            "holds-0-length": "8",
            "holds-0-note": "buffer",
            "holds-0-instrument": "",
            "holds-1-day": "",
        },
    )
    answer = client.post_form("/rounds/new", form)
    assert answer.status_code == 303, answer.text
    db.session.rollback()
    made = db.session.query(Round).one()
    assert answer.headers["Location"].endswith(f"/rounds/{made.slug}")
    assert made.horizon_start.isoformat() == "2027-01-03T23:00:00+00:00"
    assert made.horizon_end.isoformat() == "2027-03-28T22:00:00+00:00"  # after the clock change
    assert (made.value_slack, made.seed, made.scale_worst) == (0.02, 3, 5.0)
    assert [(row.weight, row.past_use_hours) for row in made.entitlements] == [(2.5, 0.0)]
    assert [row.ends_at - row.starts_at for row in made.holds] == [timedelta(hours=8)]
    page = text(client, f"/rounds/{made.slug}/edit")
    assert 'value="2.5"' in page
    assert 'value="08:00"' in page


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title_it", ""),
        ("deadline_at", "25:00"),
        ("deadline_at", "noon"),
        ("deadline_day", "2026-10-01"),
        ("horizon_end", "not a day"),
        ("scale_best", "1e99"),
        ("scale_best", "5"),
        ("fairness", "quota"),
        ("grain_minutes", "7"),
        ("seed", "-1"),
        ("instruments", "no id"),
        ("holds-0-day", "2027-01-10"),
    ],
)
def test_a_wrong_form_comes_back_with_the_field_marked(context: Flask, field: str, value: str) -> None:
    beam = an_instrument(booking_mode=BookingMode.ROUND)
    client = browser(context, a_manager(beam.facility).id)
    answer = client.post_form("/rounds/new", a_form(beam.id, **{field: value}))
    assert answer.status_code == 422
    assert "field-error" in answer.text
    assert db.session.query(Round).count() == 0


def test_steps_are_taken_by_buttons_and_refusals_are_said(context: Flask) -> None:
    world = a_world(RoundState.OPEN)
    client, url = managing(context, world), f"/rounds/{world.round.slug}/steps"
    client.post_form(f"{url}/close_submissions", {"version": "1"})
    assert state_of(world) is RoundState.REVIEW
    page = client.post_form(f"{url}/start_allocation", {"version": "1"}, follow_redirects=True, query_string={})
    assert "notice-bad" in page.text
    client.post_form(f"{url}/start_allocation", {"version": "2"})
    assert state_of(world) is RoundState.ALLOCATION
    assert client.post_form(f"{url}/explode", {"version": "3"}).status_code == 400
    assert client.post_form(f"{url}/back_to_review", {"version": "x"}).status_code == 400


def test_the_inbox_sorts_and_shows_what_is_missing(context: Flask) -> None:
    world = a_world(RoundState.REVIEW)
    with transaction():
        world.requests[1].title = "Aardvarks under protons"
    client, url = managing(context, world), f"/rounds/{world.round.slug}/requests"
    for order in ("number", "title", "organisation", "state", "hours", "feasibility", "score"):
        for sign in ("", "-"):
            assert "Aardvarks" in text(client, f"{url}?sort={sign}{order}")
    assert text(client, f"{url}?sort=title").index("Aardvarks") < text(client, f"{url}?sort=-title").index("Aardvarks")
    text(client, f"{url}?sort=shoe-size", 400)


def test_a_request_is_judged_on_its_page(context: Flask) -> None:
    world = a_world(RoundState.REVIEW, scale_worst=5.0, scale_best=1.0)
    client = managing(context, world)
    url = f"/rounds/{world.round.slug}/requests/{world.requests[0].id}/review"
    text(client, url)
    wrong = client.post_form(url, {"version": "1", "feasibility": "feasible", "score_given": "9", "comment": ""})
    assert wrong.status_code == 422
    assert client.post_form(url, {"version": "1", "comment": ""}).status_code == 422
    verdict = {"version": "1", "feasibility": "feasible", "safety_is_cleared": "y", "score_given": "2,0", "comment": ""}
    assert client.post_form(url, verdict).status_code == 303
    review = world.request(0).review
    assert review is not None
    assert (review.score, review.feasibility) == (75.0, Feasibility.FEASIBLE)
    assert client.post_form(url, verdict).status_code == 409
    other = a_world(RoundState.REVIEW)
    text(client, f"/rounds/{world.round.slug}/requests/{other.requests[0].id}/review", 404)


def test_a_proposal_is_followed_and_stopped_on_its_page(context: Flask) -> None:
    world = a_world()
    client, url = managing(context, world), f"/rounds/{world.round.slug}/plans"
    text(client, url)
    form = {"version": "1", "time_limit": "10", "key": "k"}
    answer = client.post_form(url, form)
    assert answer.headers["Location"].endswith(f"{url}/1")
    assert client.post_form(url, form).headers["Location"].endswith(f"{url}/1")
    assert client.post_form(url, {**form, "time_limit": "11"}).status_code == 400
    assert "hx-get" in text(client, f"{url}/1")
    fragment = client.get(f"{url}/1/progress")
    assert "<html" not in fragment.text
    assert "HX-Refresh" not in fragment.headers
    for stage, said in {"shares": "Fair shares", "a stage without words": "…"}.items():
        with transaction():
            db.session.query(Plan).one().progress = {"stage": stage, "elapsed": 0.1}
        assert f"<dd>{said}</dd>" in text(client, f"{url}/1/progress?lang=en")
    client.post_form(f"{url}/1/cancel")
    assert client.get(f"{url}/1/progress").headers["HX-Refresh"] == "true"
    db.session.rollback()
    assert db.session.query(Plan).one().state is PlanState.CANCELLED
    text(client, f"{url}/2", 404)


@pytest.mark.parametrize(
    ("lang", "fairness", "value"), [("en", "Fairness (least satisfied first)", "1,200"), ("it", "Equità", "1.200")]
)
def test_progress_shows_every_goal_with_its_bound_and_gap(context: Flask, lang: str, fairness: str, value: str) -> None:
    world = a_world()
    client = managing(context, world)
    document = plans.problem_of(plans.propose(world.round_id, 1, 10, world.acting, NOW, ""), world.acting)
    reports: list[planning.ProgressReport] = []
    planning.solve(document, 10, 1, reports.append, lambda: False)
    assert {"leximin", "value", "preferences"} <= {row.goal for row in reports[-1].goals}
    assert all(row.gap == 0 for row in reports[-1].goals if row.goal != "unfair")
    goals = [
        {"goal": "leximin", "incumbent": 0.5, "bound": 0.8, "gap": 0.375},
        {"goal": "value", "incumbent": 2400, "bound": None, "gap": None},
    ]
    with transaction():
        db.session.query(Plan).one().progress = reports[-1].to_json() | {"stage": "search", "goals": goals}
    page = text(client, f"/rounds/{world.round.slug}/plans/1/progress?lang={lang}")
    assert fairness in page
    cells = re.findall(r'<td class="num">(.*?)</td>', page)
    assert [cell.replace(",", ".") for cell in cells[:3]] == ["50 %", "80 %", "37.5 %"]
    assert cells[3:] == [value, "–", "–"]
    assert {"en": "Better plans", "it": "Scenari migliori"}[lang] in page


@pytest.mark.parametrize("lang", ["it", "en"])
def test_a_plans_page_shows_figures_blocks_and_proof(solved: tuple[World, Plan], app: Flask, lang: str) -> None:
    world, plan = solved
    client, slug = managing(app, world), world.round.slug
    page = text(client, f"/rounds/{slug}/plans/1?lang={lang}")
    assert plan.problem_hash in page
    assert page.count('role="img"') >= 2
    assert all(request.title in page for request in world.requests)
    assert text(client, f"/rounds/{slug}/plans/1?lang={lang}&week=2027-01-11") != page
    problem: dict[str, Any] = json.loads(text(client, f"/rounds/{slug}/plans/1/problem.json"))
    assert problem["schema"] == "equora-problem/1"
    assert plan.problem_hash not in text(browser(app, world.members[0].id), f"/rounds/{slug}")


@pytest.mark.parametrize("lang", ["it", "en"])
def test_everything_that_was_refused_is_shown_with_its_reason(context: Flask, lang: str) -> None:
    world = a_world(requests=4, horizon_end=MONDAY + timedelta(days=1))
    with clock.frozen_at(NOW):
        plans.propose(world.round_id, 1, 10, world.acting, NOW, "")
        perform_all_due()
    page = text(managing(context, world), f"/rounds/{world.round.slug}/plans/1?lang={lang}")
    assert page.count("<details>") == 2  # three shifts of a day for four requests of 8 h, of which two fall short


def test_publishing_by_the_button_tells_everybody_on_the_rounds_page(solved: tuple[World, Plan], app: Flask) -> None:
    world, _plan = solved
    client, slug = managing(app, world), world.round.slug
    stale = client.post_form(f"/rounds/{slug}/plans/1/publish", {"version": "9"}, follow_redirects=True)
    assert "notice-bad" in stale.text
    client.post_form(f"/rounds/{slug}/plans/1/publish", {"version": "1"})
    assert {world.request(place).state for place in range(3)} == {RequestState.ALLOCATED}
    own = text(browser(app, world.members[0].id), f"/rounds/{slug}?lang=en")
    assert world.organisations[0].name in own
    assert world.organisations[1].name not in own
    assert "Greedy by score" in own
    assert "Beside simpler rules" in text(browser(app), f"/rounds/{slug}?lang=en")
    text(client, f"/rounds/{slug}/reserve")


TOO_FAR = ("0001-01-01", "9999-12-31")


def test_one_field_of_nonsense_in_a_sound_round_is_refused_beside_it(context: Flask) -> None:
    beam, organisation = an_instrument(booking_mode=BookingMode.ROUND), an_organisation()
    client = browser(context, a_manager(beam.facility).id)
    organisation_id = "entitlements-0-organisation_id"
    sound = {organisation_id: str(organisation.id), "entitlements-0-weight": "1"}
    nonsense = [
        *(
            (name, day)
            for name in ("opens_day", "deadline_day", "horizon_start")
            for day in ("0001-01-01", "9999-12-31")
        ),
        *((name, "9999-12-31") for name in ("horizon_end", "holds-0-day")),
        ("horizon_end", "2100-01-01"),
        (organisation_id, ""),
        (organisation_id, "none"),
        (organisation_id, "00000000-0000-0000-0000-000000000007"),
        *((name, word) for name in ("entitlements-0-weight", "scale_best", "value_slack") for word in ("NaN", "inf")),
    ]
    for name, word in nonsense:
        answer = client.post_form("/rounds/new", a_form(beam.id, **{**sound, name: word, "key": f"{name} {word}"}))
        assert answer.status_code == 422, (name, word)
    twice = {**sound, "entitlements-1-organisation_id": str(organisation.id), "entitlements-1-weight": "2"}
    assert client.post_form("/rounds/new", a_form(beam.id, **twice)).status_code == 422
    assert db.session.query(Round).count() == 0
    assert client.post_form("/rounds/new", a_form(beam.id, **sound)).status_code == 303
