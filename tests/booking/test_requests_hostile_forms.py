"""Whatever a form holds, the answer is a page, a redirect or a refusal: never an error of ours, never half a change."""

from dataclasses import replace
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booking.queries import requests as queries
from booking.queries import rounds as round_queries
from booking.request_rules import Strictness, problems_of
from core.db import db
from tests.booking.asking import World, a_world, at, read
from tests.support import browser

NAMES = st.one_of(
    st.sampled_from(["title", "team_size", "biosafety_level", "needs", "is_shared", "do", "key", "round", "reason"]),
    st.builds(
        "parts-{}-{}".format,
        st.sampled_from(["0", "1", "7", "9", "10", "-1", "²", "٣", ""]),
        st.sampled_from(
            [
                "name",
                "instruments",
                "amount",
                "least",
                "lengths",
                "other_lengths",
                "most_blocks",
                "gap_least",
                "gap_most",
                "configuration",
                "windows",
                "windows-20270109T0700Z-480",
                "windows-99991231T2359Z-9999",
                "windows-20270109T0700Z-",
                "windows-20270132T0700Z-30",
                "csrf_token",
            ]
        ),
    ),
    st.builds(
        "lags-{}-{}".format,
        st.sampled_from(["0", "15", "99", "x"]),
        st.sampled_from(["after", "then", "least", "most", "id"]),
    ),
    st.text(min_size=1, max_size=20),
)
VALUES = st.one_of(
    st.sampled_from(
        [
            "",
            "0",
            "1",
            "8",
            "16",
            "480",
            "2.5",
            "2,5",
            "-1",
            "NaN",
            "Infinity",
            "-inf",
            "1e400",
            "0x10",
            "１６",
            "٣",
            "²",
            "9" * 40,
            "y",
            "preferred",
            "impossible",
            "possible",
            "all",
            "any",
            "save",
            "add_part",
            "remove_part-0",
            "add_lag",
            "remove_lag-0",
            "review",
            "00000000-0000-0000-0000-000000000000",
            "{",
            "[]",
            "null",
            "\u202egnp",
            "a\r\nBcc: x@example.org",
            "=1+1",
            "%(name)s",
            "{{7*7}}",
            "<b>",
            "\U0001f984" * 50,
            "e\u0301",
            "\ufeff",
            "\u2028",
        ]
    ),
    st.text(max_size=50),
    st.integers().map(str),
    st.floats().map(str),
    st.dates().map(str),
)
CALM = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def sound_form(world: World) -> dict[str, Any]:
    """What a browser would send."""
    return {
        "title": "Sound",
        "objectives": "o",
        "sample": "s",
        "team_size": "2",
        "biosafety_level": "0",
        "needs": "all",
        "parts-0-instruments": str(world.protons.id),
        "parts-0-configuration": "",
        "parts-0-amount": "16",
        "parts-0-lengths": "480",
    }


@CALM
@given(strange=st.dictionaries(NAMES, st.one_of(VALUES, st.lists(VALUES, max_size=3)), max_size=6), quiet=st.booleans())
def test_no_draft_form_breaks_anything(app: Flask, context: Flask, strange: dict[str, Any], quiet: bool) -> None:
    world = a_world()
    request_id = world.draft()
    before = queries.content_of(read(request_id))
    headers = {"HX-Request": "true"} if quiet else {}
    with at():
        client = browser(app, world.person.id)
        answer = client.post_form(
            f"/requests/{request_id}/edit", {**sound_form(world), "version": "2", **strange}, headers=headers
        )
        after = queries.content_of(read(request_id))
        shown = client.get(f"/requests/{request_id}/edit")
    assert answer.status_code in (200, 303, 400, 409, 422)
    if answer.status_code >= 400:
        assert after == before
    db.session.rollback()
    round_ = db.session.scalars(round_queries.round_by_id(world.round.id)).one()
    assert problems_of(after, queries.round_facts(round_), Strictness.DRAFT) == []
    assert shown.status_code == 200


@CALM
@given(
    path=st.sampled_from(["", "/{}/submit", "/{}/withdraw", "/{}/clone", "/{}/confidential"]),
    form=st.dictionaries(
        st.one_of(
            st.sampled_from(["round", "organisation", "key", "version", "reason", "glass_reason"]),
            st.text(min_size=1, max_size=10),
        ),
        st.one_of(VALUES, st.lists(VALUES, max_size=2)),
        max_size=4,
    ),
)
def test_no_small_form_breaks_anything(app: Flask, context: Flask, path: str, form: dict[str, Any]) -> None:
    world = a_world()
    request_id = world.draft()
    with at():
        answer = browser(app, world.person.id).post_form(f"/requests{path.format(request_id)}", form)
    assert answer.status_code in (303, 400, 403, 404, 409, 422)


@CALM
@given(text=st.text(max_size=300), number=st.integers())
def test_no_content_breaks_a_rule_itself(context: Flask, text: str, number: int) -> None:
    world = a_world()
    round_ = db.session.scalars(round_queries.round_by_id(world.round.id)).one()
    part = replace(
        world.part(),
        name=text,
        configuration=text,
        amount_minutes=number,
        least_minutes=number,
        lengths_minutes=(number,),
        most_blocks=number,
        gap_least_minutes=number,
        gap_most_minutes=number,
    )
    said = replace(
        world.content(), title=text, safety=text, team_size=number, biosafety_level=number, parts=(part, world.part())
    )
    for path, sentence in problems_of(said, queries.round_facts(round_)):
        assert path
        assert sentence
