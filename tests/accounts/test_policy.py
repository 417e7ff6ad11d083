"""Who may do what with people and organisations: every rule of accounts.policy for every role, as one table."""

import inspect
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from accounts import policy
from accounts.policy import SYSTEM, VISITOR, Actor, Answer, Role
from core.errors import Forbidden, NotFound

A, B, X, SOMEBODY = uuid4(), uuid4(), uuid4(), uuid4()


def _actor(**values: object) -> Actor:
    return Actor(person_id=uuid4(), name="Somebody", **values)  # type: ignore[arg-type]


ACTORS = {
    "visitor": VISITOR,
    "member of A": _actor(memberships={A: Role.MEMBER}),
    "delegate of A": _actor(memberships={A: Role.DELEGATE}),
    "delegate of B": _actor(memberships={B: Role.DELEGATE}),
    "reviewer": _actor(posts={X: Role.REVIEWER}),
    "manager": _actor(posts={X: Role.MANAGER}),
    "office": _actor(is_office=True),
    "system": SYSTEM,
}
ALL = set(ACTORS)
SIGNED_IN = ALL - {"visitor"}
OFFICE = {"office", "system"}
PEOPLE_OF_A = {"delegate of A", *OFFICE}


def _own(actor: Actor) -> UUID:
    return actor.person_id or uuid4()


RULES: list[tuple[str, Callable[[Actor], Answer], set[str]]] = [
    ("read organisations", policy.may_read_organisations, SIGNED_IN),
    ("create an organisation", policy.may_create_organisation, OFFICE),
    ("change an organisation", policy.may_change_organisation, OFFICE),
    ("list people of A", lambda actor: policy.may_list_people(actor, A), PEOPLE_OF_A),
    ("invite a member to A", lambda actor: policy.may_invite(actor, A, Role.MEMBER), PEOPLE_OF_A),
    ("invite a delegate to A", lambda actor: policy.may_invite(actor, A, Role.DELEGATE), PEOPLE_OF_A),
    ("invite a manager", lambda actor: policy.may_invite(actor, A, Role.MANAGER), set()),
    ("invite an office", lambda actor: policy.may_invite(actor, A, Role.OFFICE), set()),
    ("revoke an invitation to A", lambda actor: policy.may_revoke_invitation(actor, A), PEOPLE_OF_A),
    ("accept an invitation", policy.may_accept_invitation, ALL),
    ("add a membership", policy.may_add_membership, OFFICE),
    ("make a delegate of A", lambda actor: policy.may_change_membership(actor, A, Role.DELEGATE), PEOPLE_OF_A),
    ("make a manager of A", lambda actor: policy.may_change_membership(actor, A, Role.MANAGER), set()),
    ("remove somebody from A", lambda actor: policy.may_remove_membership(actor, A, SOMEBODY), PEOPLE_OF_A),
    ("leave A", lambda actor: policy.may_remove_membership(actor, A, _own(actor)), PEOPLE_OF_A | {"member of A"}),
    ("create a person", policy.may_create_person, OFFICE),
    ("create an office", lambda actor: policy.may_create_person(actor, Role.OFFICE), {"system"}),
    ("list posts", policy.may_list_posts, OFFICE),
    ("appoint a manager", lambda actor: policy.may_appoint(actor, Role.MANAGER), OFFICE),
    ("appoint a reviewer", lambda actor: policy.may_appoint(actor, Role.REVIEWER), OFFICE),
    ("appoint an office", lambda actor: policy.may_appoint(actor, Role.OFFICE), set()),
    ("dismiss", policy.may_dismiss, OFFICE),
    ("change the own profile", lambda actor: policy.may_change_profile(actor, _own(actor)), SIGNED_IN),
    ("change another's profile", lambda actor: policy.may_change_profile(actor, SOMEBODY), {"system"}),
    ("end the own sessions", lambda actor: policy.may_end_sessions(actor, _own(actor)), SIGNED_IN),
    ("end another's sessions", lambda actor: policy.may_end_sessions(actor, SOMEBODY), {"system"}),
]


@pytest.mark.parametrize("who", sorted(ACTORS))
@pytest.mark.parametrize(("what", "rule", "allowed"), RULES, ids=[row[0] for row in RULES])
def test_the_table_of_rights_holds(what: str, rule: Callable[[Actor], Answer], allowed: set[str], who: str) -> None:
    answer = rule(ACTORS[who])
    assert bool(answer) == (who in allowed)
    if answer:
        answer.or_refuse()
    else:
        with pytest.raises((Forbidden, NotFound)):
            answer.or_refuse()


def test_the_table_asks_every_rule() -> None:
    rules = {name for name, _ in inspect.getmembers(policy, inspect.isfunction) if name.startswith("may_")}
    source = inspect.getsource(inspect.getmodule(test_the_table_asks_every_rule) or policy)
    assert {name for name in rules if f"policy.{name}" not in source} == set()


def test_what_one_may_not_know_of_is_not_found_and_the_rest_is_forbidden() -> None:
    with pytest.raises(NotFound):
        policy.may_change_profile(ACTORS["office"], SOMEBODY).or_refuse()
    with pytest.raises(NotFound):
        policy.may_revoke_invitation(ACTORS["delegate of B"], A).or_refuse()
    with pytest.raises(Forbidden):
        policy.may_list_people(ACTORS["member of A"], A).or_refuse()
