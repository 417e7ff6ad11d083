"""A round's rows become exactly the problem that they describe."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from booking import planning
from booking.lifecycle import BookingState, RequestState
from booking.models import (
    BookingKind,
    Feasibility,
    Lag,
    Part,
    PartAlternative,
    Request,
    Review,
    Round,
    RoundHold,
    Window,
    WindowKind,
)
from booking.planning.offer import instrument_and_unit
from booking.queries import rounds as queries
from core.db import db, transaction
from core.errors import Conflict
from core.intervals import Interval
from facilities.models import Instrument
from facilities.policy import BookingMode
from tests.factories import (
    BEFORE,
    MONDAY,
    a_booking,
    a_facility,
    a_member,
    a_request,
    a_round,
    an_exclusion_group,
    an_instrument,
    an_operating_plan,
    an_organisation,
    stored,
)

HOUR = timedelta(hours=1)
WEEK = 7 * 48
SATURDAY_8 = 5 * 48 + 14  # 07:00 UTC is 08:00 in Rome in winter


def a_beam(**values: Any) -> Instrument:
    return an_instrument(booking_mode=BookingMode.ROUND, **values)


def problem_of(round_: Round) -> planning.Document:
    db.session.rollback()
    return planning.problem_of(db.session(), db.session.scalars(queries.round_by_id(round_.id)).one())


def resource_of(round_: Round) -> dict[str, Any]:
    (resource,) = problem_of(round_)["resources"]
    return dict(resource)


def a_judged(request: Request, score: float | None = 80.0, feasibility: Feasibility = Feasibility.FEASIBLE) -> Request:
    stored(Review(request_id=request.id, feasibility=feasibility, safety_is_cleared=True, score=score))
    return request


def test_open_time_is_the_shifts_of_the_operating_plan_by_local_time(context: Flask) -> None:
    beam = a_beam(operating_plan_id=an_operating_plan().id)
    resource = resource_of(a_round(beam))
    assert resource["open"] == [[SATURDAY_8 + week * WEEK, SATURDAY_8 + 16 + week * WEEK] for week in range(4)]
    assert resource["starts"] == [SATURDAY_8 + week * WEEK for week in range(4)]


def test_shifts_that_touch_are_one_open_stretch_with_two_starts(context: Flask) -> None:
    plan = an_operating_plan((5, 480, 480), (5, 960, 480))
    resource = resource_of(a_round(a_beam(operating_plan_id=plan.id)))
    assert resource["open"][0] == [SATURDAY_8, SATURDAY_8 + 32]
    assert resource["starts"][:2] == [SATURDAY_8, SATURDAY_8 + 16]


def test_without_an_operating_plan_an_instrument_is_always_open_on_its_slots(context: Flask) -> None:
    resource = resource_of(a_round(a_beam(slot_minutes=120)))
    assert resource["open"] == [[0, 4 * WEEK]]
    assert resource["starts"][:3] == [2, 6, 10]  # 02:00, 04:00, 06:00 in Rome


def test_a_slot_as_fine_as_the_grain_leaves_the_starts_free(context: Flask) -> None:
    assert resource_of(a_round(a_beam(slot_minutes=15)))["starts"] is None


def test_what_the_ledger_and_the_round_hold_is_not_given(context: Flask) -> None:
    beam = a_beam(slot_minutes=30)
    round_ = a_round(beam)
    a_booking(beam, starts_at=MONDAY, ends_at=MONDAY + HOUR)
    a_booking(beam, starts_at=MONDAY + 2 * HOUR, kind=BookingKind.CLOSURE)
    a_booking(beam, starts_at=MONDAY + 8 * HOUR, state=BookingState.CANCELLED)
    stored(RoundHold(round_id=round_.id, starts_at=MONDAY + 6 * HOUR, ends_at=MONDAY + 7 * HOUR))
    assert resource_of(round_)["open"] == [[2, 4], [8, 12], [14, 4 * WEEK]]


def test_a_hold_of_another_instrument_does_not_count(context: Flask) -> None:
    one, other = a_beam(slot_minutes=30), a_beam(slot_minutes=30)
    round_ = a_round(one, other)
    stored(RoundHold(round_id=round_.id, instrument_id=other.id, starts_at=MONDAY, ends_at=MONDAY + HOUR))
    resources = problem_of(round_)["resources"]
    assert [row["open"][0][0] for row in resources] == [0, 2]


def test_openings_shrink_to_whole_grains(context: Flask) -> None:
    beam = a_beam(slot_minutes=30)
    a_booking(beam, starts_at=MONDAY + timedelta(minutes=40), ends_at=MONDAY + timedelta(minutes=70))
    assert resource_of(a_round(beam))["open"] == [[0, 1], [3, 4 * WEEK]]


def test_a_shift_that_is_cut_starts_where_its_rest_begins(context: Flask) -> None:
    beam = a_beam(operating_plan_id=an_operating_plan().id)
    saturday = MONDAY + timedelta(days=5, hours=7)
    a_booking(beam, starts_at=saturday, ends_at=saturday + 2 * HOUR)
    resource = resource_of(a_round(beam))
    assert resource["open"][0] == [SATURDAY_8 + 4, SATURDAY_8 + 16]
    assert resource["starts"][0] == SATURDAY_8 + 4


def test_units_alike_are_one_resource_with_a_capacity(context: Flask) -> None:
    bench = a_beam(capacity=2, slot_minutes=30)
    for unit in range(2):
        a_booking(bench, unit=unit, starts_at=MONDAY, ends_at=MONDAY + HOUR)
    resource = resource_of(a_round(bench))
    assert (resource["capacity"], resource["open"]) == (2, [[2, 4 * WEEK]])


def test_a_partly_held_instrument_becomes_a_resource_for_each_unit(context: Flask) -> None:
    bench = a_beam(capacity=2, slot_minutes=30)
    organisation = an_organisation()
    round_ = a_round(bench, organisations=(organisation,))
    a_judged(a_request(round_, a_member(organisation), organisation.id, bench))
    a_booking(bench, unit=1, starts_at=MONDAY, ends_at=MONDAY + HOUR)
    problem = problem_of(round_)
    assert [(row["capacity"], row["open"][0][0]) for row in problem["resources"]] == [(1, 0), (1, 2)]
    names = [row["id"] for row in problem["resources"]]
    assert problem["requests"][0]["parts"][0]["alternatives"] == names
    assert [instrument_and_unit(name, 0) for name in names] == [(bench.id, 0), (bench.id, 1)]


def test_inside_an_exclusion_group_a_partly_held_instrument_counts_as_held(context: Flask) -> None:
    facility = a_facility()
    bench = a_beam(facility=facility, capacity=2, slot_minutes=30, exclusion_group_id=an_exclusion_group(facility).id)
    a_booking(bench, unit=1, starts_at=MONDAY, ends_at=MONDAY + HOUR)
    resource = resource_of(a_round(bench))
    assert (resource["capacity"], resource["open"]) == (2, [[2, 4 * WEEK]])


def test_a_group_shares_its_name_and_changeover_in_grains_rounded_up(context: Flask) -> None:
    facility = a_facility()
    group = an_exclusion_group(facility, changeover={"p>C": 60, "C>p": 45})
    beams = [a_beam(facility=facility, exclusion_group_id=group.id) for _ in range(2)]
    for resource in problem_of(a_round(*beams))["resources"]:
        assert resource["exclusive"] == group.slug
        assert resource["changeover"] == {"p>C": 2, "C>p": 2}


def test_another_instrument_of_the_group_keeps_its_time_and_the_longest_changeover_free(context: Flask) -> None:
    facility = a_facility()
    group = an_exclusion_group(facility, changeover={"p>C": 60})
    protons, carbon = (a_beam(facility=facility, exclusion_group_id=group.id, slot_minutes=30) for _ in range(2))
    a_booking(carbon, starts_at=MONDAY + 4 * HOUR, ends_at=MONDAY + 5 * HOUR, exclusion_group_id=group.id)
    assert resource_of(a_round(protons))["open"] == [[0, 6], [12, 4 * WEEK]]


def test_members_are_those_entitled_and_those_who_ask(context: Flask) -> None:
    beam, entitled, asking = a_beam(), an_organisation(slug="a-entitled"), an_organisation(slug="b-asking")
    round_ = a_round(beam, organisations=(entitled,))
    with transaction():
        round_.entitlements[0].weight, round_.entitlements[0].past_use_hours = 3.0, 12.0
    a_judged(a_request(round_, a_member(asking), asking.id, beam))
    assert problem_of(round_)["members"] == [
        {"id": str(entitled.id), "weight": 3.0, "past_use": 24},
        {"id": str(asking.id), "weight": 1.0, "past_use": 0},
    ]


def test_only_submitted_and_feasible_requests_compete_in_the_order_of_their_numbers(context: Flask) -> None:
    beam, organisation = a_beam(), an_organisation()
    round_, person = a_round(beam, organisations=(organisation,)), a_member(organisation)

    def asked(number: int, **values: Any) -> Request:
        return a_request(round_, person, organisation.id, beam, number=number, **values)

    second, first = a_judged(asked(902), score=70.0), a_judged(asked(901), score=90.0)
    a_judged(asked(903), score=None, feasibility=Feasibility.NOT_FEASIBLE)
    a_judged(asked(904, state=RequestState.WITHDRAWN))
    asked(905)
    rows = problem_of(round_)["requests"]
    assert [(row["id"], row["merit"]) for row in rows] == [(str(first.id), 90.0), (str(second.id), 70.0)]


def a_rich_request(round_: Round, instrument: Instrument) -> Request:
    organisation = an_organisation()
    person = a_member(organisation)
    request = Request(
        round_id=round_.id,
        person_id=person.id,
        organisation_id=organisation.id,
        number=1,
        state=RequestState.SUBMITTED,
        created_at=BEFORE,
        updated_at=BEFORE,
        submitted_at=BEFORE,
    )
    request.parts = [
        Part(
            position=place,
            amount_minutes=100,
            least_minutes=40,
            lengths_minutes=[50, 40],
            most_blocks=2,
            gap_least_minutes=20,
            gap_most_minutes=80,
            alternatives=[PartAlternative(instrument_id=instrument.id)],
        )
        for place in range(2)
    ]
    return a_judged(stored(request))


def test_minutes_round_against_the_plan_and_never_against_the_member(context: Flask) -> None:
    beam = a_beam(configuration="p")
    round_ = a_round(beam)
    request = a_rich_request(round_, beam)
    before, after = request.parts
    stored(Lag(request_id=request.id, after_id=before.id, then_id=after.id, least_minutes=20, most_minutes=100))
    (row,) = problem_of(round_)["requests"]
    part = row["parts"][0]
    assert (part["amount"], part["least"], part["lengths"], part["most_blocks"]) == (4, 2, [2], 2)
    assert part["gap"] == [1, 2]
    assert part["configuration"] == "p"
    assert row["lags"] == [{"after": str(before.id), "then": str(after.id), "least": 1, "most": 3}]
    assert row["shares"] == {str(request.organisation_id): 1.0}


def test_impossible_windows_leave_only_whole_free_grains_and_preferred_ones_are_starts(context: Flask) -> None:
    beam = a_beam()
    round_ = a_round(beam)
    request = a_rich_request(round_, beam)
    minutes = [(20, 70, WindowKind.IMPOSSIBLE), (100, 160, WindowKind.PREFERRED)]
    for start, end, kind in minutes:
        window = Window(
            part_id=request.parts[0].id,
            starts_at=MONDAY + timedelta(minutes=start),
            ends_at=MONDAY + timedelta(minutes=end),
            kind=kind,
        )
        stored(window)
    part = problem_of(round_)["requests"][0]["parts"][0]
    assert part["allowed"] == [[3, 4 * WEEK]]
    assert part["preferred"] == [[4, 6, 1]]


def test_a_request_for_what_is_no_longer_offered_is_named(context: Flask) -> None:
    organisation = an_organisation()
    round_ = a_round(a_beam(), organisations=(organisation,))
    a_judged(a_request(round_, a_member(organisation), organisation.id, a_beam(), number=77))
    with pytest.raises(Conflict, match="77"):
        problem_of(round_)


def test_the_same_rows_give_the_same_problem(context: Flask) -> None:
    beam, organisations = a_beam(), [an_organisation() for _ in range(3)]
    round_ = a_round(beam, organisations=tuple(reversed(organisations)))
    for organisation in organisations:
        a_judged(a_request(round_, a_member(organisation), organisation.id, beam))
    assert planning.problem_hash(problem_of(round_)) == planning.problem_hash(problem_of(round_))


def test_a_grid_ends_with_the_last_whole_grain(context: Flask) -> None:
    round_ = a_round(a_beam(), horizon_end=MONDAY + timedelta(minutes=70))
    grid = planning.grid_of(round_)
    assert (grid.grains, grid.horizon) == (2, Interval(MONDAY, MONDAY + HOUR))
