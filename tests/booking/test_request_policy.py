"""The table of roles (DOMAIN.md): who may do what with a request."""

from uuid import UUID, uuid4

import pytest

from accounts.policy import SYSTEM, VISITOR, Actor, Answer, No, Role
from booking.policy import requests as policy
from booking.policy.requests import Standing

OWNER, UNIVERSITY, FACILITY = uuid4(), uuid4(), uuid4()


def person(**values: object) -> Actor:
    return Actor(**{"person_id": uuid4(), **values})  # type: ignore[arg-type]


ACTORS = {
    "visitor": VISITOR,
    "stranger": person(memberships={uuid4(): Role.DELEGATE}, posts={uuid4(): Role.MANAGER}),
    "owner": Actor(person_id=OWNER, memberships={UNIVERSITY: Role.MEMBER}),
    "owner who left": Actor(person_id=OWNER),
    "colleague": person(memberships={UNIVERSITY: Role.MEMBER}),
    "delegate": person(memberships={UNIVERSITY: Role.DELEGATE}),
    "reviewer": person(posts={FACILITY: Role.REVIEWER}),
    "manager": person(posts={FACILITY: Role.MANAGER}),
    "office": person(is_office=True),
    "system": SYSTEM,
}
YES, NO, HIDDEN = "yes", "no", "hidden"


def standing(
    *, was_sent: bool = True, is_confidential: bool = False, is_shared: bool = False, facility: UUID = FACILITY
) -> Standing:
    return Standing(OWNER, UNIVERSITY, frozenset({facility}), was_sent, is_confidential, is_shared)


def word(answer: Answer) -> str:
    if isinstance(answer, No):
        return HIDDEN if answer.hidden else NO
    return YES


DRAFT, SENT = standing(was_sent=False), standing()
SECRET, SHARED = standing(is_confidential=True), standing(is_confidential=True, is_shared=True)
# fmt: off
TABLE = {
    #                                     visitor stranger owner left  colleague delegate reviewer manager office system
    ("may_read", DRAFT):                  (HIDDEN, HIDDEN, YES, YES, HIDDEN, HIDDEN, HIDDEN, HIDDEN, HIDDEN, YES),
    ("may_read", SENT):                   (HIDDEN, HIDDEN, YES, YES, HIDDEN, YES, YES, YES, YES, YES),
    ("may_read", SECRET):                 (HIDDEN, HIDDEN, YES, YES, HIDDEN, YES, YES, YES, YES, YES),
    ("may_read_confidential", DRAFT):     (HIDDEN, HIDDEN, YES, YES, HIDDEN, HIDDEN, HIDDEN, HIDDEN, HIDDEN, YES),
    ("may_read_confidential", SENT):      (HIDDEN, HIDDEN, YES, YES, HIDDEN, YES, YES, YES, YES, YES),
    ("may_read_confidential", SECRET):    (HIDDEN, HIDDEN, YES, YES, HIDDEN, NO, YES, YES, NO, YES),
    ("may_read_confidential", SHARED):    (HIDDEN, HIDDEN, YES, YES, HIDDEN, YES, YES, YES, NO, YES),
    ("may_break_glass", DRAFT):           (HIDDEN, HIDDEN, NO, NO, HIDDEN, HIDDEN, HIDDEN, HIDDEN, HIDDEN, NO),
    ("may_break_glass", SECRET):          (HIDDEN, HIDDEN, NO, NO, HIDDEN, NO, NO, NO, YES, NO),
    ("may_change", DRAFT):                (HIDDEN, HIDDEN, YES, NO, HIDDEN, HIDDEN, HIDDEN, HIDDEN, HIDDEN, NO),
    ("may_change", SENT):                 (HIDDEN, HIDDEN, YES, NO, HIDDEN, NO, NO, NO, NO, NO),
    ("may_withdraw", DRAFT):              (HIDDEN, HIDDEN, YES, YES, HIDDEN, HIDDEN, HIDDEN, HIDDEN, HIDDEN, NO),
    ("may_withdraw", SENT):               (HIDDEN, HIDDEN, YES, YES, HIDDEN, NO, NO, NO, NO, NO),
    ("may_clone", SENT):                  (HIDDEN, HIDDEN, YES, YES, HIDDEN, NO, NO, NO, NO, NO),
}
# fmt: on
ROWS = [
    (verb, request, name, wanted)
    for (verb, request), row in TABLE.items()
    for name, wanted in zip(ACTORS, row, strict=True)
]


@pytest.mark.parametrize(("verb", "request_", "name", "wanted"), ROWS)
def test_the_table_of_roles(verb: str, request_: Standing, name: str, wanted: str) -> None:
    assert word(getattr(policy, verb)(ACTORS[name], request_)) == wanted


@pytest.mark.parametrize("name", ["reviewer", "manager"])
def test_another_facilitys_staff_know_of_nothing(name: str) -> None:
    elsewhere = standing(facility=uuid4())
    assert word(policy.may_read(ACTORS[name], elsewhere)) == HIDDEN


@pytest.mark.parametrize(
    ("name", "begin", "list_"),
    [
        ("visitor", NO, NO),
        ("stranger", NO, HIDDEN),
        ("owner", YES, HIDDEN),
        ("delegate", YES, YES),
        ("manager", NO, HIDDEN),
        ("office", NO, YES),
    ],
)
def test_who_begins_and_who_lists(name: str, begin: str, list_: str) -> None:
    assert word(policy.may_begin(ACTORS[name], UNIVERSITY)) == begin
    assert word(policy.may_list_requests_of(ACTORS[name], UNIVERSITY)) == list_
