"""`./dev demo` prints what one needs to try the product, and what it prints works."""

import json
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from flask import Flask

from booking import demo
from core.config import installed
from tests.support import Browser

NOW = datetime(2026, 11, 18, 10, tzinfo=UTC)


@pytest.mark.usefixtures("context")
def test_every_address_that_is_printed_opens_and_stays_the_same(app: Flask, visitor: Browser) -> None:
    demo.load(lambda _step: None, NOW)
    runner = app.test_cli_runner()
    answer = runner.invoke(args=["demo", "json"])
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.output)
    assert told["base_url"] == installed().public_url
    assert [row["role"] for row in told["accounts"]] == ["member", "delegate", "reviewer", "manager", "office"]
    assert {row["password"] for row in told["accounts"]} == {demo.PASSWORD}
    assert set(told["feeds"]) == {"person", "instrument", "facility"}
    for url in (*(told[thing]["url"] for thing in ("facility", "instrument", "round")), *told["feeds"].values()):
        assert visitor.get(urlsplit(url).path).status_code == 200, url
    assert json.loads(runner.invoke(args=["demo", "json"]).output) == told


@pytest.mark.usefixtures("context")
def test_without_the_demo_there_is_nothing_to_print(app: Flask) -> None:
    assert app.test_cli_runner().invoke(args=["demo", "json"]).exit_code != 0


@pytest.mark.usefixtures("context")
def test_the_accounts_are_printed_for_people(app: Flask) -> None:
    answer = app.test_cli_runner().invoke(args=["demo", "accounts"])
    assert "marco.manager@example.org" in answer.output
