"""The pages of a request: what is shown to whom, and that forms do what they say."""

import re
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select

from accounts.models import Membership
from accounts.policy import Role
from booking.content import WindowContent, WindowKind
from booking.lifecycle import RequestState, RoundState
from booking.models import Entitlement, Plan, Request, RequestEvent, Round
from booking.queries import requests as queries
from core.audit import AuditEntry
from core.db import db, transaction
from tests.booking.asking import HOUR, NOW, World, a_world, at, read
from tests.factories import MONDAY, a_booking, a_manager, a_member, a_round, an_organisation
from tests.support import Browser, browser

DEADLINE = MONDAY - timedelta(days=14)
EN = {"Accept-Language": "en"}


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def form_of(world: World, **values: Any) -> dict[str, Any]:
    """What a browser sends of a sound draft at version 1."""
    return {
        "version": "1",
        "do": "save",
        "title": "From the page",
        "objectives": "To know.",
        "sample": "cells",
        "team_size": "2",
        "biosafety_level": "0",
        "needs": "all",
        "parts-0-instruments": str(world.protons.id),
        "parts-0-configuration": "",
        "parts-0-amount": "16",
        "parts-0-lengths": "480",
        **values,
    }


class Page:
    """A browser of the world's member, living at NOW in English."""

    def __init__(self, app: Flask, person_id: UUID | None) -> None:
        with at():
            self.browser: Browser = browser(app, person_id)

    def get(self, url: str, status: int = 200) -> str:
        with at():
            answer = self.browser.get(url, headers=EN)
        assert answer.status_code == status, answer.text
        return answer.text

    def post(self, url: str, data: dict[str, Any], status: int = 303, **headers: str) -> str:
        with at():
            answer = self.browser.post_form(url, data, headers={**EN, **headers})
        assert answer.status_code == status, text_of(answer.text)
        return answer.location if status == 303 else answer.text


@pytest.fixture
def world(context: Flask) -> World:
    return a_world()


@pytest.fixture
def page(app: Flask, world: World) -> Page:
    return Page(app, world.person.id)


# lists and beginning


def test_visitors_are_led_to_the_login(app: Flask, world: World) -> None:
    visitor = Page(app, None)
    request_id = world.draft()
    for path in ("", "/new", f"/{request_id}", f"/{request_id}/edit", f"/{request_id}/submit", "/of/x"):
        with at():
            answer = visitor.browser.get(f"/requests{path}")
        assert answer.status_code == 303
        assert "/login" in answer.location


def test_my_list_holds_my_requests_only(app: Flask, world: World, page: Page) -> None:
    world.sent(title="Mine, sent")
    world.draft(title="Mine, a draft")
    shown = text_of(page.get("/requests"))
    assert "Mine, sent" in shown
    assert "Mine, a draft" in shown
    assert "16 h" in shown
    other = Page(app, a_member(world.organisation).id)
    assert "Mine," not in text_of(other.get("/requests"))


def test_an_empty_list_says_what_to_do(app: Flask, world: World, page: Page) -> None:
    assert "Ask for time" in page.get("/requests")
    nobody = Page(app, a_member(language="en").id)
    assert "No round takes requests" in nobody.get("/requests")


@pytest.mark.parametrize("number", ["0", "-1", "x", "²", "99999999999999999999", "1e3", ""])
def test_a_strange_page_number_is_refused(page: Page, number: str) -> None:
    page.get(f"/requests?page={number}", 400)


def test_a_draft_is_begun_from_the_page_once(world: World, page: Page) -> None:
    shown = page.get(f"/requests/new?round={world.round.slug}")
    assert world.organisation.name in shown
    data = {"round": str(world.round.id), "organisation": str(world.organisation.id), "key": "k"}
    assert page.post("/requests", data) == page.post("/requests", data)
    assert db.session.scalar(select(func.count()).select_from(Request)) == 1


def test_a_person_of_two_organisations_chooses(world: World, app: Flask) -> None:
    second = an_organisation()
    person = a_member(world.organisation)
    with transaction() as tx:
        tx.session.add(Membership(person_id=person.id, organisation_id=second.id, role=Role.MEMBER, since=NOW))
        tx.session.add(Entitlement(round_id=world.round.id, organisation_id=second.id, weight=1.0))
    shown = Page(app, person.id).get("/requests/new")
    assert shown.count("<option") == 2


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"round": "x"}, 404),
        ({"round": str(uuid4())}, 404),
        ({"organisation": str(uuid4())}, 403),
        ({"organisation": ""}, 404),
        ({"is_office": "y"}, 422),
        ({"key": ["a", "b"]}, 422),
    ],
)
def test_a_strange_beginning_makes_nothing(world: World, page: Page, change: dict[str, Any], status: int) -> None:
    data = {"round": str(world.round.id), "organisation": str(world.organisation.id), "key": "k", **change}
    page.post("/requests", data, status)
    assert db.session.scalar(select(func.count()).select_from(Request)) == 0


# editing


def test_the_form_shows_what_the_draft_says(world: World, page: Page) -> None:
    window = WindowContent(MONDAY, MONDAY + timedelta(days=7), WindowKind.IMPOSSIBLE)
    request_id = world.draft(
        title="A title",
        parts=(world.part(lengths_minutes=(480, 300), most_blocks=7, windows=(window,)), world.part(name="second")),
    )
    shown = page.get(f"/requests/{request_id}/edit")
    assert 'value="A title"' in shown
    assert 'name="parts-0-most_blocks" type="text" value="7"' in shown
    assert 'name="parts-0-other_lengths" type="text" value="5"' in shown
    assert shown.count('value="impossible" selected') == 3
    assert 'value="second"' in shown


def test_a_draft_is_saved_from_the_page(world: World, page: Page) -> None:
    request_id = world.begin()
    saturday = "parts-0-windows-20270109T0700Z-480"
    data = form_of(
        world,
        **{
            saturday: "preferred",
            "parts-0-windows-20270109T1500Z-480": "preferred",
            "parts-0-windows-20270105T2100Z-240": "impossible",
            "parts-0-windows-20270112T2100Z-240": "",
            "parts-0-least": "8",
            "parts-0-other_lengths": "5 2,5",
            "parts-0-gap_least": "0",
            "is_confidential": "y",
            "background": "one\r\ntwo",
        },
    )
    assert page.post(f"/requests/{request_id}/edit", data).endswith(f"/requests/{request_id}/edit")
    said = queries.content_of(read(request_id))
    [part] = said.parts
    assert (said.title, said.background, said.is_confidential) == ("From the page", "one\ntwo", True)
    assert (part.amount_minutes, part.least_minutes) == (16 * HOUR, 8 * HOUR)
    assert part.lengths_minutes == (150, 300, 480)
    assert (part.gap_least_minutes, part.gap_most_minutes) == (0, None)
    tuesday, weekend = part.windows
    assert (tuesday.kind, weekend.kind) == (WindowKind.IMPOSSIBLE, WindowKind.PREFERRED)
    assert weekend.ends_at - weekend.starts_at == timedelta(hours=16)


def test_parts_and_rules_come_and_go_with_plain_buttons(world: World, page: Page) -> None:
    request_id = world.begin()
    url = f"/requests/{request_id}/edit"
    assert page.post(url, form_of(world, do="add_part")).endswith("#part-2")
    two = form_of(world, version="2", **{"parts-1-configuration": "", "parts-1-name": "b"})
    assert page.post(url, two | {"do": "add_lag"}).endswith("#lags")
    lag = {"lags-0-after": "0", "lags-0-then": "1", "lags-0-least": "0", "lags-0-most": "48"}
    page.post(url, two | lag | {"version": "3", "do": "add_part"})
    said = queries.content_of(read(request_id))
    assert [part.name for part in said.parts] == ["", "b", ""]
    assert [(row.after, row.then, row.most_minutes) for row in said.lags] == [(0, 1, 48 * HOUR)]
    three = two | {"parts-2-configuration": "", "lags-0-after": "1", "lags-0-then": "2"}
    page.post(url, three | {"version": "4", "do": "remove_part-0"})
    said = queries.content_of(read(request_id))
    assert [part.name for part in said.parts] == ["b", ""]
    assert [(row.after, row.then) for row in said.lags] == [(0, 1)]
    page.post(
        url,
        {
            "version": "5",
            "needs": "all",
            "biosafety_level": "0",
            "parts-0-configuration": "",
            "parts-1-configuration": "",
            "lags-0-after": "0",
            "lags-0-then": "1",
            "do": "remove_lag-0",
        },
    )
    assert queries.content_of(read(request_id)).lags == ()


def test_the_autosave_answers_with_a_line_and_the_new_version(world: World, page: Page) -> None:
    request_id = world.begin()
    data = form_of(world)
    del data["do"]
    shown = page.post(f"/requests/{request_id}/edit", data, 200, **{"HX-Request": "true"})
    assert "Saved as a draft at" in shown
    assert 'value="2" hx-swap-oob="true"' in shown
    assert "<html" not in shown
    again = page.post(
        f"/requests/{request_id}/edit", data | {"title": "x" * 201, "version": "2"}, 422, **{"HX-Request": "1"}
    )
    assert "Not saved" in again
    assert read(request_id).title == "From the page"


def test_the_autosave_brings_another_calendar_when_other_instruments_are_chosen(world: World, page: Page) -> None:
    request_id = world.begin()
    data = form_of(world, **{"parts-0-windows-20270104T2300Z-1440": ""})
    del data["do"]
    shown = page.post(f"/requests/{request_id}/edit", data, 200, **{"HX-Request": "true"})
    assert 'id="parts-0-windows-group"' in shown
    cells = dict.fromkeys(re.findall(r'name="(parts-0-windows-[^"]+)"', shown), "")
    quiet = page.post(f"/requests/{request_id}/edit", form_of(world) | cells | {"version": "2"})
    assert quiet
    data = form_of(world, version="2") | cells
    del data["do"]
    assert "windows-group" not in page.post(f"/requests/{request_id}/edit", data, 200, **{"HX-Request": "true"})


def test_two_windows_do_not_overwrite_each_other(world: World, page: Page) -> None:
    request_id = world.begin()
    page.post(f"/requests/{request_id}/edit", form_of(world))
    shown = page.post(f"/requests/{request_id}/edit", form_of(world, title="From the other window"), 409)
    assert "changed in another window" in shown
    assert "From the other window" in shown
    assert read(request_id).title == "From the page"


STRANGE: list[tuple[dict[str, Any], str]] = [
    ({"title": "x" * 201}, "title"),
    ({"title": "a\u2028b"}, "title"),
    ({"team_size": "-1"}, "team_size"),
    ({"team_size": "three"}, "team_size"),
    ({"team_size": "٣"}, "team_size"),
    ({"team_size": "99999999999999999999999"}, "team_size"),
    ({"biosafety_level": "9"}, "biosafety_level"),
    ({"biosafety_level": ""}, "biosafety_level"),
    ({"needs": "some"}, "needs"),
    ({"is_shared": "true"}, "is_shared"),
    ({"parts-0-amount": "NaN"}, "parts-0-amount"),
    ({"parts-0-amount": "inf"}, "parts-0-amount"),
    ({"parts-0-amount": "1e9"}, "parts-0-amount"),
    ({"parts-0-amount": "-8"}, "parts-0-amount"),
    ({"parts-0-amount": "0.001"}, "parts-0-amount"),
    ({"parts-0-amount": "999999"}, "parts-0-amount"),
    ({"parts-0-amount": "²"}, "parts-0-amount"),
    ({"parts-0-least": "eight"}, "parts-0-least"),
    ({"parts-0-other_lengths": "4, 6"}, "parts-0-other_lengths"),
    ({"parts-0-lengths": "x"}, "parts-0-lengths"),
    ({"parts-0-lengths": "0"}, "parts-0-lengths"),
    ({"parts-0-most_blocks": "0"}, "parts-0-most_blocks"),
    ({"parts-0-gap_most": "x"}, "parts-0-gap_most"),
    ({"parts-0-configuration": "He"}, "parts-0-configuration"),
    ({"parts-0-instruments": "x"}, "parts-0-instruments"),
    ({"parts-0-instruments": str(UUID(int=1))}, "parts-0-instruments"),
    ({"parts-0-windows-20270109T0700Z-480": "maybe"}, "parts-0-windows"),
    ({"parts-0-windows-20270109T0700Z-0": "preferred"}, "parts-0-windows"),
    ({"parts-0-windows-20271309T0700Z-480": "preferred"}, "parts-0-windows"),
    ({"parts-0-windows-99991231T2359Z-999999": "preferred"}, "parts-0-windows"),
    ({"parts-0-windows-99991231T0000Z-60": "impossible"}, "parts-0-windows"),
    ({"parts-0-windows-00000101T0000Z-60": "impossible"}, "parts-0-windows"),
    ({"parts-0-windows-20260109T0700Z-480": "preferred"}, "parts-0-windows"),
    ({"lags-0-after": "0", "lags-0-then": "0"}, "lags-0-then"),
    ({"lags-0-after": "0", "lags-0-then": "7"}, "lags-0-then"),
    ({"lags-0-after": "-1", "lags-0-then": "0"}, "lags-0-after"),
]


@pytest.mark.parametrize(("change", "field"), STRANGE)
def test_bad_input_is_refused_beside_its_field(world: World, page: Page, change: dict[str, Any], field: str) -> None:
    request_id = world.draft()
    before = queries.content_of(read(request_id))
    shown = page.post(f"/requests/{request_id}/edit", form_of(world, version="2", **change), 422)
    assert f'id="{field}-error"' in shown
    assert re.search(rf'href="#{field}(-group)?"', shown)
    assert queries.content_of(read(request_id)) == before


@pytest.mark.parametrize(
    "change",
    [
        {"state": "allocated"},
        {"person_id": "1"},
        {"number": "1"},
        {"title": ["one", "two"]},
        {"parts-0-amount": ["8", "16"]},
        {"parts-²-amount": "8"},
        {"parts-10-amount": "8"},
        {"parts-0-state": "x"},
        {"parts-0-windows-x": "preferred"},
        {"parts--1-amount": "8"},
        {"lags-100-after": "0"},
        {"version": "x"},
        {"version": ""},
        {"version": "-1"},
        {"version": "9" * 30},
        {"do": "drop_table"},
        {"do": "remove_part-7"},
        {"do": "remove_part-x"},
        {"do": "save-1"},
    ],
)
def test_what_does_not_belong_to_the_form_is_refused(world: World, page: Page, change: dict[str, Any]) -> None:
    request_id = world.draft()
    before = queries.content_of(read(request_id))
    page.post(f"/requests/{request_id}/edit", form_of(world, **{"version": "2", **change}), 422)
    assert queries.content_of(read(request_id)) == before


def test_a_nul_byte_is_refused(world: World, page: Page) -> None:
    request_id = world.draft()
    page.post(f"/requests/{request_id}/edit", form_of(world, version="2", title="a\x00b"), 400)
    assert read(request_id).title != "a\x00b"


def test_a_part_of_another_request_cannot_be_touched(world: World, page: Page) -> None:
    """Parts have no ids in the form: whatever is sent speaks of this request's own parts."""
    other = world.draft(title="The other one")
    request_id = world.begin()
    page.post(f"/requests/{request_id}/edit", form_of(world, **{f"parts-{other}-amount": "8"}), 422)
    assert queries.content_of(read(other)) == world.content(title="The other one")


def test_texts_come_out_escaped(world: World, page: Page) -> None:
    request_id = world.begin()
    evil = "<script>alert(1)</script>\"'{{ 7*7 }}"
    page.post(f"/requests/{request_id}/edit", form_of(world, title=evil, background=evil))
    for path in ("", "/edit", "/submit"):
        shown = page.get(f"/requests/{request_id}{path}")
        assert "<script>alert" not in shown
        assert "49" not in re.findall(r"<h1>(.*?)</h1>", shown, re.S)[0]


def test_a_form_without_the_token_is_refused(world: World, page: Page) -> None:
    request_id = world.draft()
    with at():
        for path in ("/edit", "/submit", "/withdraw", "/clone", "/confidential"):
            assert page.browser.post(f"/requests/{request_id}{path}", data={}).status_code == 400


def test_a_sent_request_is_not_edited_but_shown(world: World, page: Page) -> None:
    request_id = world.sent()
    with at():
        assert page.browser.get(f"/requests/{request_id}/edit").status_code == 303
        assert page.browser.get(f"/requests/{request_id}/submit").status_code == 303
    page.post(f"/requests/{request_id}/edit", form_of(world, version="3"), 409)


# sending


def test_the_last_page_shows_what_will_be_sent_and_against_which_share(world: World, page: Page) -> None:
    world.sent()
    shown = text_of(page.get(f"/requests/{world.draft(title='To send')}/submit"))
    assert "To send" in shown
    # 4 weeks of 2 × 8 + 4 h that both instruments have, but not at once: they are no exclusion group, so twice
    assert "Open time of the round 160 h" in shown
    assert "share by weight 160 h" in shown
    assert "With this request 32 h" in shown
    assert "Send the request" in shown


def test_what_is_missing_is_named_with_links_and_cannot_be_sent(world: World, page: Page) -> None:
    request_id = world.draft(objectives="", parts=(world.part(amount_minutes=0, least_minutes=0),))
    shown = page.get(f"/requests/{request_id}/submit")
    assert "Send the request" not in shown
    assert f"/requests/{request_id}/edit?check=#objectives" in shown
    assert f"/requests/{request_id}/edit?check=#parts-0-amount" in shown
    page.post(f"/requests/{request_id}/submit", {"version": "2"}, 422)
    checked = page.get(f"/requests/{request_id}/edit?check")
    assert 'id="objectives-error"' in checked
    assert 'id="parts-0-amount-error"' in checked


def test_sending_twice_is_sending_once(world: World, page: Page) -> None:
    request_id = world.draft()
    for _ in range(2):
        assert page.post(f"/requests/{request_id}/submit", {"version": "2"}).endswith(f"/requests/{request_id}")
    request = read(request_id)
    assert (request.state, request.number) == (RequestState.SUBMITTED, 1)
    assert "no. 1" in page.get(f"/requests/{request_id}")


def test_a_late_sender_is_told_the_deadline(app: Flask, world: World) -> None:
    request_id = world.draft()
    with at(DEADLINE):
        client = browser(app, world.person.id)
        answer = client.post_form(f"/requests/{request_id}/submit", {"version": "2"}, headers=EN)
    assert answer.status_code == 409
    assert "21 Dec 2026, 01:00" in text_of(answer.text)


# following


def test_strangers_may_not_know_of_a_request(app: Flask, world: World) -> None:
    sent, draft = world.sent(), world.draft()
    stranger = Page(app, a_member().id)
    colleague = Page(app, a_member(world.organisation).id)
    manager = Page(app, a_manager(world.facility).id)
    for who, request_id in ((stranger, sent), (colleague, sent), (stranger, draft), (manager, draft)):
        for path in ("", "/edit", "/submit"):
            who.get(f"/requests/{request_id}{path}", 404)
        who.post(f"/requests/{request_id}/withdraw", {"reason": "x"}, 404)
        who.post(f"/requests/{request_id}/submit", {"version": "2"}, 404)
        who.post(f"/requests/{request_id}/edit", form_of(world), 404)
        who.post(f"/requests/{request_id}/clone", {"key": "", "round": ""}, 404)
        who.post(f"/requests/{request_id}/confidential", {"glass_reason": "x"}, 404)
    stranger.get(f"/requests/{uuid4()}", 404)


def test_those_who_know_of_it_may_read_but_not_change(app: Flask, world: World) -> None:
    sent = world.sent()
    manager = Page(app, a_manager(world.facility).id)
    shown = manager.get(f"/requests/{sent}")
    assert "Survival of glioma lines" in shown
    assert "/withdraw" not in shown
    assert "/clone" not in shown
    manager.get(f"/requests/{sent}/edit", 403)
    manager.post(f"/requests/{sent}/withdraw", {"reason": "x"}, 403)


@pytest.mark.parametrize(
    ("who", "is_shared", "sees"),
    [
        ("owner", False, True),
        ("manager", False, True),
        ("reviewer", False, True),
        ("delegate", False, False),
        ("delegate", True, True),
        ("office", True, False),
    ],
)
def test_confidential_texts_are_for_few(app: Flask, world: World, who: str, is_shared: bool, sees: bool) -> None:
    secrets = {"title": "THE TITLE", "background": "THE SECRET", "sample": "RARE CELLS"}
    part = world.part(name="THE PART")
    request_id = world.sent(is_confidential=True, is_shared=is_shared, parts=(part,), **secrets)
    people = {
        "owner": lambda: world.person,
        "manager": lambda: a_manager(world.facility),
        "reviewer": lambda: a_manager(world.facility, role=Role.REVIEWER),
        "delegate": lambda: a_member(world.organisation, role=Role.DELEGATE),
        "office": lambda: a_member(is_office=True),
    }
    shown = Page(app, people[who]().id).get(f"/requests/{request_id}")
    assert [word in shown for word in ("THE TITLE", "THE SECRET", "RARE CELLS", "THE PART")] == [sees] * 4


def test_the_office_opens_it_with_a_reason(app: Flask, world: World) -> None:
    request_id = world.sent(is_confidential=True, background="THE SECRET")
    office = Page(app, a_member(is_office=True).id)
    refused = office.post(f"/requests/{request_id}/confidential", {"glass_reason": " "}, 422)
    assert 'id="glass_reason-error"' in refused
    assert "THE SECRET" not in refused
    opened = office.post(f"/requests/{request_id}/confidential", {"glass_reason": "A complaint."}, 200)
    assert "THE SECRET" in opened
    assert db.session.scalars(select(AuditEntry.reason).where(AuditEntry.verb == "request.break_glass")).one()
    assert "THE SECRET" not in office.get(f"/requests/{request_id}")


def test_a_delegate_lists_what_the_organisation_sent(app: Flask, world: World) -> None:
    world.sent(title="Sent by a colleague")
    world.draft(title="Still a draft")
    delegate = Page(app, a_member(world.organisation, role=Role.DELEGATE).id)
    url = f"/requests/of/{world.organisation.slug}"
    assert url in delegate.get("/requests")
    world.sent(title="Nobody’s business", is_confidential=True)
    world.sent(title="For my delegate", is_confidential=True, is_shared=True)
    shown = delegate.get(url)
    assert "Sent by a colleague" in shown
    assert "For my delegate" in shown
    assert "Still a draft" not in shown
    assert "Nobody’s business" not in shown
    Page(app, a_member(world.organisation).id).get(url, 404)
    delegate.get("/requests/of/nobody", 404)


def test_withdrawing_from_the_page_needs_a_reason(world: World, page: Page) -> None:
    request_id = world.sent()
    refused = page.post(f"/requests/{request_id}/withdraw", {"reason": ""}, 422)
    assert 'id="reason-error"' in refused
    page.post(f"/requests/{request_id}/withdraw", {"reason": "The cells died."})
    shown = text_of(page.get(f"/requests/{request_id}"))
    assert "The cells died." in shown
    assert "Withdrawn" in shown
    page.post(f"/requests/{request_id}/withdraw", {"reason": "Again."}, 409)


def test_a_copy_goes_to_the_chosen_round(world: World, page: Page) -> None:
    request_id = world.sent()
    other = a_round(world.protons, organisations=(world.organisation,))
    assert str(other.id) in page.get(f"/requests/{request_id}")
    made = page.post(f"/requests/{request_id}/clone", {"key": "k", "round": str(other.id)})
    assert page.post(f"/requests/{request_id}/clone", {"key": "k", "round": str(other.id)}) == made
    page.post(f"/requests/{request_id}/clone", {"key": "", "round": "x"}, 404)
    assert read(UUID(made.split("/")[-2])).round_id == other.id


@pytest.mark.parametrize(
    ("round_state", "current"),
    [(RoundState.OPEN, "Sent"), (RoundState.REVIEW, "Review"), (RoundState.ALLOCATION, "Allocation")],
)
def test_the_way_says_where_a_sent_request_is(world: World, page: Page, round_state: RoundState, current: str) -> None:
    request_id = world.sent()
    with transaction() as tx:
        tx.one(select(Round).where(Round.id == world.round.id)).state = round_state
    shown = page.get(f"/requests/{request_id}")
    [step] = re.findall(r'aria-current="step">(.*?)</li>', shown, re.S)
    assert current in text_of(step)


def _decided(world: World, state: RequestState, verb: str, note: str) -> UUID:
    """A request whose round was published."""
    request_id = world.sent()
    with transaction() as tx:
        request = tx.one(select(Request).where(Request.id == request_id))
        request.state = state
        request.reserve_rank = 3 if state is RequestState.RESERVE else None
        round_ = tx.one(select(Round).where(Round.id == world.round.id))
        round_.state, round_.published_at = RoundState.PUBLISHED, NOW
        tx.session.add(RequestEvent(request_id=request_id, at=NOW, verb=verb, state=state, note=note))
        nearest = [{"part": "x", "resource": f"{world.protons.id}/0", "start": 16, "length": 16}]
        tx.session.add(
            Plan(
                round_id=round_.id,
                number=1,
                round_version=1,
                seed=1,
                time_limit_seconds=1,
                problem={},
                problem_hash="",
                certificate={"refusals": {str(request_id): {"code": "bottleneck", "nearest": nearest}}},
                created_by_id=world.person.id,
                created_at=NOW,
                published_at=NOW,
            )
        )
    return request_id


def test_a_granted_request_shows_its_time(world: World, page: Page) -> None:
    request_id = _decided(world, RequestState.ALLOCATED, "allocate", "Granted in full.")
    a_booking(world.protons, request_id=request_id, person_id=world.person.id, starts_at=MONDAY)
    shown = text_of(page.get(f"/requests/{request_id}"))
    assert "Result: Granted" in shown
    assert "Mon 4 Jan 2027, 01:00–03:00 · Beamline p" in shown
    assert "2 h of 16 h asked for" in shown


def test_a_request_on_the_reserve_list_reads_why_and_what_is_free(world: World, page: Page) -> None:
    note = "The time it could use was given to other requests."
    shown = text_of(page.get(f"/requests/{_decided(world, RequestState.RESERVE, 'reserve', note)}"))
    assert note in shown
    assert "Place 3 on the reserve list" in shown
    assert "Mon 4 Jan 2027, 09:00–17:00 · Beamline p" in shown


def test_a_refused_request_reads_the_reviewers_words(world: World, page: Page) -> None:
    shown = text_of(page.get(f"/requests/{_decided(world, RequestState.REFUSED, 'refuse', '100 % unsafe <b>')}"))
    assert "100 % unsafe <b>" in shown
