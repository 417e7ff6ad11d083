"""Every address × every role: the answer is what the table of rights says, and no address is missing from it."""

from collections import defaultdict

import pytest
from flask import Flask

from tests.safety.pages import GETS
from tests.safety.posts import POSTS
from tests.safety.rights import ANSWERS, ROLES
from tests.safety.world import Copy

EXPECTED = {address: codes.split() for codes, addresses in ANSWERS.items() for address in addresses}
FILES = {"static"}  # our own style sheets and scripts


def routes(app: Flask) -> set[tuple[str, str]]:
    """Endpoint and method of every rule."""
    return {
        (rule.endpoint, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint not in FILES
    }


def test_no_route_is_missing_from_the_tables(app: Flask) -> None:
    known = {(endpoint, "GET") for endpoint in GETS} | {(endpoint, "POST") for endpoint in POSTS}
    assert routes(app) == known


def test_every_address_is_one_of_the_route_it_stands_under(world: Copy) -> None:
    adapter = world.app.url_map.bind("localhost")
    for endpoint, patterns in GETS.items():
        for pattern in patterns:
            assert adapter.match(world.path(pattern).partition("?")[0], method="GET")[0] == endpoint, pattern
    for endpoint, forms in POSTS.items():
        for pattern, _values in forms:
            assert adapter.match(world.path(pattern), method="POST")[0] == endpoint, pattern


def test_every_address_has_its_answers() -> None:
    asked = {f"GET {pattern}" for patterns in GETS.values() for pattern in patterns}
    asked |= {
        f"POST {pattern} {values.get('key', '')}".strip() for forms in POSTS.values() for pattern, values in forms
    }
    assert asked == set(EXPECTED)
    assert sum(map(len, ANSWERS.values())) == len(EXPECTED), "an address stands twice in the table"
    assert all(len(codes) == len(ROLES) for codes in EXPECTED.values())


@pytest.mark.parametrize("role", ROLES)
def test_everybody_gets_the_answers_of_the_table(world: Copy, role: str) -> None:
    place = ROLES.index(role)
    wrong: dict[str, str] = defaultdict(str)

    def compare(address: str, status: int) -> None:
        if str(status) != EXPECTED[address][place]:
            wrong[address] = f"{status} instead of {EXPECTED[address][place]}"

    for patterns in GETS.values():
        for pattern in patterns:
            compare(f"GET {pattern}", world.browser(role).get(world.path(pattern)).status_code)
    for forms in POSTS.values():
        for pattern, values in forms:
            sent = {name: world.path(value) for name, value in values.items()}
            answer = world.browser(role).post_form(world.path(pattern), sent)
            compare(f"POST {pattern} {values.get('key', '')}".strip(), answer.status_code)
    assert not wrong
