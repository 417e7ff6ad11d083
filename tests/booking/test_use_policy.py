"""Who may do what with used time, as a table: one line a person, one column a rule."""

import pytest

from accounts.policy import SYSTEM, VISITOR, Actor, Role
from booking.policy import use as policy
from tests.booking.test_ledger_policy import FACILITY, ME, OURS, PEOPLE, THEIRS, held, person, word

TABLE = {  # yes, no, hidden (404); the report is the holder's own
    #                     check in   report    read it   decide    list   label  hours of OURS
    "visitor": ("no", "no", "no", "no", "no", "no", "no"),
    "holder": ("yes", "yes", "yes", "no", "no", "no", "yes"),
    "colleague": ("hidden", "hidden", "hidden", "hidden", "no", "no", "yes"),
    "delegate": ("no", "no", "hidden", "hidden", "no", "no", "yes"),
    "delegate of others": ("hidden", "hidden", "hidden", "hidden", "no", "no", "no"),
    "reviewer": ("hidden", "hidden", "hidden", "hidden", "no", "no", "no"),
    "manager": ("yes", "no", "yes", "yes", "yes", "yes", "yes"),
    "manager elsewhere": ("hidden", "hidden", "hidden", "hidden", "yes", "no", "yes"),
    "office": ("yes", "no", "yes", "yes", "yes", "yes", "yes"),
    "holder and manager": ("yes", "yes", "yes", "no", "yes", "yes", "yes"),
    "system": ("yes", "no", "yes", "yes", "no", "yes", "no"),
}


@pytest.mark.parametrize("who", PEOPLE)
def test_each_person_may_do_what_the_table_says(who: str) -> None:
    actor = PEOPLE[who]
    answers = (
        policy.may_check_in(actor, held()),
        policy.may_report_trouble(actor, held()),
        policy.may_read_trouble(actor, held(), ME),
        policy.may_decide_trouble(actor, held(), ME),
        policy.may_list_troubles(actor),
        policy.may_print_label(actor, FACILITY),
        policy.may_read_use(actor, OURS),
    )
    assert tuple(word(answer) for answer in answers) == TABLE[who]


def test_nobody_checks_in_to_a_closure() -> None:
    closure = held(person_id=None, organisation_id=None)
    assert not any(policy.may_check_in(actor, closure) for actor in PEOPLE.values())


def test_who_holds_the_booking_now_does_not_decide_on_a_report_that_another_made() -> None:
    holder_and_manager = PEOPLE["holder and manager"]
    assert word(policy.may_decide_trouble(holder_and_manager, held(), person().person_id)) == "no"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("actor", "organisation_id", "reach"),
    [
        (VISITOR, OURS, policy.Reach()),
        (SYSTEM, OURS, policy.Reach()),
        (Actor(person_id=ME, memberships={OURS: Role.MEMBER}), OURS, policy.Reach(person_id=ME)),
        (Actor(person_id=ME, memberships={OURS: Role.MEMBER}), THEIRS, policy.Reach()),
        (Actor(person_id=ME, memberships={OURS: Role.DELEGATE}), OURS, policy.Reach(everything=True, person_id=ME)),
        (Actor(person_id=ME, posts={FACILITY: Role.MANAGER}), OURS, policy.Reach(facility_ids=frozenset({FACILITY}))),
        (Actor(person_id=ME, posts={FACILITY: Role.REVIEWER}), OURS, policy.Reach()),
        (Actor(person_id=ME, is_office=True), OURS, policy.Reach(everything=True)),
    ],
)
def test_how_far_one_reads_an_organisations_hours(actor: Actor, organisation_id: object, reach: policy.Reach) -> None:
    assert policy.reach_of(actor, organisation_id) == reach  # type: ignore[arg-type]
