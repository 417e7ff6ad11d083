"""Who may do what with held time, as a table: one line a rule, one column a person."""

from uuid import UUID, uuid4

import pytest

from accounts.policy import SYSTEM, VISITOR, Actor, Answer, No, Role
from booking.lifecycle import BookingState
from booking.policy import ledger as policy
from tests.factories import BEFORE, MONDAY

FACILITY, ELSEWHERE, OURS, THEIRS, ME = (uuid4() for _ in range(5))


def person(**values: object) -> Actor:
    """Somebody other than the holder, with these rights."""
    return Actor(**{"person_id": uuid4(), **values})  # type: ignore[arg-type]


def held(person_id: UUID | None = ME, organisation_id: UUID | None = OURS) -> policy.Held:
    """A tentative booking at FACILITY."""
    return policy.Held(FACILITY, person_id, organisation_id, BookingState.TENTATIVE, MONDAY)


PEOPLE = {
    "visitor": VISITOR,
    "holder": person(person_id=ME, memberships={OURS: Role.MEMBER}),
    "colleague": person(memberships={OURS: Role.MEMBER}),
    "delegate": person(memberships={OURS: Role.DELEGATE}),
    "delegate of others": person(memberships={THEIRS: Role.DELEGATE}),
    "reviewer": person(posts={FACILITY: Role.REVIEWER}),
    "manager": person(posts={FACILITY: Role.MANAGER}),
    "manager elsewhere": person(posts={ELSEWHERE: Role.MANAGER}),
    "office": person(is_office=True),
    "holder and manager": person(person_id=ME, memberships={OURS: Role.MEMBER}, posts={FACILITY: Role.MANAGER}),
    "system": SYSTEM,
}
TABLE = {  # yes, no, hidden (404)
    #                      see       cancel    decide    close  book for OURS
    "visitor": ("no", "no", "no", "no", "no"),
    "holder": ("yes", "yes", "no", "no", "yes"),
    "colleague": ("hidden", "hidden", "hidden", "no", "yes"),
    "delegate": ("yes", "no", "no", "no", "yes"),
    "delegate of others": ("hidden", "hidden", "hidden", "no", "no"),
    "reviewer": ("hidden", "hidden", "hidden", "no", "no"),
    "manager": ("yes", "yes", "yes", "yes", "no"),
    "manager elsewhere": ("hidden", "hidden", "hidden", "no", "no"),
    "office": ("yes", "yes", "yes", "yes", "no"),
    "holder and manager": ("yes", "yes", "no", "yes", "yes"),
    "system": ("yes", "yes", "yes", "yes", "no"),
}


def word(answer: Answer) -> str:
    """The answer as the table writes it."""
    if isinstance(answer, No):
        return "hidden" if answer.hidden else "no"
    return "yes"


@pytest.mark.parametrize("who", PEOPLE)
def test_each_person_may_do_what_the_table_says(who: str) -> None:
    actor = PEOPLE[who]
    answers = (
        policy.may_see(actor, held()),
        policy.may_cancel(actor, held()),
        policy.may_decide(actor, held()),
        policy.may_close(actor, FACILITY),
        policy.may_book(actor, OURS),
    )
    assert tuple(word(answer) for answer in answers) == TABLE[who]


def test_a_closure_is_nobodys_and_known_only_to_its_managers() -> None:
    closure = held(person_id=None, organisation_id=None)
    seen = {who for who, actor in PEOPLE.items() if policy.may_see(actor, closure)}
    assert seen == {"manager", "office", "holder and manager", "system"}


def test_it_has_begun_from_its_first_instant_on() -> None:
    assert not policy.has_begun(held(), BEFORE)
    assert policy.has_begun(held(), MONDAY)


def test_people_act_in_the_quality_in_which_they_may() -> None:
    assert policy.acting_role(PEOPLE["holder and manager"], held()) is Role.MEMBER
    assert policy.acting_role(PEOPLE["manager"], held()) is Role.MANAGER
    assert policy.acting_role(PEOPLE["office"], held()) is Role.OFFICE
    assert policy.acting_role(SYSTEM, held()) is Role.SYSTEM
