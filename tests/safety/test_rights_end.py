"""A right ends with its reason: who was dismissed, removed or closed has lost it with the very next call."""

from collections.abc import Callable

import pytest

from accounts.models import Membership, Person, Post
from booking.models import CalendarKind
from booking.services import ledger, publication, requests
from calendars.policy import Detail
from calendars.services import subscribe
from core.db import db, transaction
from core.errors import Refusal
from tests.safety.world import NOW, SECRET, Copy

Act = Callable[[], object]


def end(model: type[Membership] | type[Post], world: Copy, role: str) -> None:
    """Take the person's memberships or posts away."""
    with transaction() as tx:
        for row in tx.session.query(model).filter_by(person_id=world.id(role)):
            tx.session.delete(row)
    db.session.expire_all()


MANAGERS = (
    "/rounds/{round_open}/requests",
    "/rounds/{round_open}/edit",
    "/rounds/{round_allocation}/plans/1",
    "/rounds/{round_allocation}/plans/1/problem.json",
    "/rounds/{round_published}/reserve",
    "/rounds/{round_draft}",
    "/requests/{secret}",
    "/bookings/{waiting}",
    "/inbox",
    "/inbox/bookings/{waiting}",
    "/facilities/{here}/deputies",
    "/facilities/{here}/{scope}/close",
)
REVIEWERS = ("/rounds/{round_open}/requests", "/rounds/{round_open}/requests/{secret}/review", "/requests/{secret}")
DELEGATES = ("/requests/of/{organisation}", "/requests/{secret}", "/bookings/{waiting}")


@pytest.mark.parametrize(
    ("role", "model", "pages"),
    [("manager", Post, MANAGERS), ("reviewer", Post, REVIEWERS), ("delegate", Membership, DELEGATES)],
)
def test_pages_close(world: Copy, role: str, model: type[Membership] | type[Post], pages: tuple[str, ...]) -> None:
    client = world.browser(role)  # one session all through
    assert {client.get(world.path(page)).status_code for page in pages} == {200}
    end(model, world, role)
    assert {client.get(world.path(page)).status_code for page in pages} <= {403, 404}
    assert SECRET not in client.get("/").text


def test_whoever_left_the_organisation_reads_and_withdraws_their_request_but_sends_no_other(world: Copy) -> None:
    client = world.browser("owner")
    end(Membership, world, "owner")
    assert client.get(world.path("/requests/{secret}")).status_code == 200
    assert client.get(world.path("/requests/{draft}/edit")).status_code == 403
    form = {"round": world.names["round_open_id"], "organisation": world.names["organisation_id"], "key": "k"}
    assert client.post_form("/requests", form).status_code == 403
    assert client.post_form(world.path("/requests/{secret}/withdraw"), {"reason": "I left."}).status_code == 303


def test_feeds_close_and_feeds_of_managers_lose_their_titles(world: Copy) -> None:
    reader = world.browser("visitor")
    addresses = {
        role: subscribe(CalendarKind.FACILITY, world.id("here_id"), Detail.FULL, "en", "Feed", world.actor(role), NOW)
        for role in ("colleague", "manager")
    }
    feeds = {role: f"/calendars/feeds/{secret}.ics" for role, secret in addresses.items()}
    assert {reader.get(url).status_code for url in feeds.values()} == {200}
    assert "Lenses" in reader.get(feeds["manager"]).text
    assert "Lenses" not in reader.get(feeds["colleague"]).text
    end(Membership, world, "colleague")
    end(Post, world, "manager")
    assert {reader.get(url).status_code for url in feeds.values()} == {404}


def test_a_closed_account_is_nobody(world: Copy) -> None:
    client = world.browser("owner")
    with transaction() as tx:
        tx.session.get_one(Person, world.id("owner")).is_active = False
    assert client.get("/requests").status_code == 303
    assert world.browser("visitor").get(world.path("/calendars/feeds/{feed}.ics")).status_code == 404


def test_services_refuse_an_actor_without_the_right_whoever_calls_them(world: Copy) -> None:
    end(Post, world, "manager")
    manager, stranger = world.actor("manager"), world.actor("stranger")
    plan = db.session.execute(db.text("SELECT id FROM plans WHERE published_at IS NULL")).scalar_one()
    db.session.rollback()
    acts: list[Act] = [
        lambda: ledger.approve(world.id("waiting"), manager, NOW),
        lambda: ledger.refuse(world.id("waiting"), manager, NOW, "no"),
        lambda: ledger.cancel(world.id("confirmed"), stranger, NOW, "no"),
        lambda: publication.publish(type(world.id("draft"))(plan), 1, manager, NOW),
        lambda: requests.submit(world.id("draft"), stranger, NOW),
        lambda: requests.withdraw(world.id("secret"), stranger, NOW, "no"),
        lambda: requests.clone(world.id("secret"), stranger, NOW, "k"),
        lambda: requests.break_glass(world.id("secret"), manager, NOW, "curious"),
    ]
    for number, act in enumerate(acts):
        with pytest.raises(Refusal) as refusal:
            act()
        assert refusal.value.status in (403, 404), number
