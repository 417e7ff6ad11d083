"""What pages say about an instrument."""

from datetime import UTC, datetime

import pytest

from facilities.facts import duration, facts_of, next_shifts, source_of, specs_of, week_of
from facilities.models import Instrument, OperatingPlan, Shift
from facilities.policy import BookingMode


def an_instrument(**values: object) -> Instrument:
    usual = {
        "name": "Beam",
        "name_it": "Fascio",
        "kind": "beamline",
        "booking_mode": BookingMode.ROUND,
        "access_type": "physical",
        "capacity": 1,
        "slot_minutes": 30,
        "least_minutes": 240,
        "most_minutes": 2880,
        "training_required": True,
        "operation": "assisted",
        "access": ["academic"],
        "specs": {},
        "assumed_fields": [],
    }
    return Instrument(**{**usual, **values})


def a_plan(*shifts: tuple[int, int, int]) -> OperatingPlan:
    plan = OperatingPlan(slug="p", timezone="Europe/Rome")
    plan.shifts = [Shift(weekday=d, start_minute=s, minutes=m) for d, s, m in shifts]
    return plan


@pytest.mark.parametrize(
    ("key", "value", "italian", "english"),
    [
        ("energy_MeV_u", [60, 250], "60–250 MeV/u", "60–250 MeV/u"),
        ("power_kW", 250, "250 kW", "250 kW"),
        ("resolution_um", 0.5, "0,5 µm", "0.5 µm"),
        ("hours_per_year_at_nominal_power", "300-400", "300–400 h", "300–400 h"),
        ("ions_planned", ["helium", "oxygen"], "elio, ossigeno", "helium, oxygen"),
        ("ion", "proton (1H)", "protone (1H)", "proton (1H)"),
        ("lat", 45.802, "45,802°", "45.802°"),
        ("unheard_of", "as it is", "as it is", "as it is"),
    ],
)
def test_a_specification_is_typed_and_has_its_unit(key: str, value: object, italian: str, english: str) -> None:
    instrument = an_instrument(specs={key: value})
    assert [specs_of(instrument, language)[0].text for language in ("it", "en")] == [italian, english]


def test_assumed_fields_are_marked_each() -> None:
    instrument = an_instrument(specs={"power_kW": 1, "ion": "x"}, assumed_fields=["min_minutes", "specs.power_kW"])
    assert {fact.code for fact in facts_of(instrument, "it") if fact.assumed} == {"min_minutes"}
    assert {fact.code for fact in specs_of(instrument, "it") if fact.assumed} == {"power_kW"}


def test_when_the_whole_instrument_is_assumed_every_field_is() -> None:
    assert all(fact.assumed for fact in facts_of(an_instrument(assumed_fields=["whole resource"]), "en"))


@pytest.mark.parametrize(
    ("minutes", "italian", "english"),
    [
        (30, "30 min", "30 min"),
        (90, "1,5 h", "1.5 h"),
        (1440, "24 h", "24 h"),
        (2880, "2 g", "2 d"),
        (45, "45 min", "45 min"),
    ],
)
def test_lengths_are_written_in_the_unit_that_fits(minutes: int, italian: str, english: str) -> None:
    assert (duration(minutes, "it"), duration(minutes, "en")) == (italian, english)


def test_a_shift_over_midnight_is_drawn_on_both_days_and_listed_on_the_first() -> None:
    week = week_of(a_plan((1, 22 * 60, 240)), "en")
    assert [(bar.start, bar.end) for bar in week[1].bars] == [(1320, 1440)]
    assert [(bar.start, bar.end) for bar in week[2].bars] == [(0, 120)]
    assert (week[1].shifts, week[2].shifts) == (("22:00–02:00",), ())


def test_a_shift_over_the_end_of_the_week_goes_on_on_monday() -> None:
    week = week_of(a_plan((6, 23 * 60, 120)), "it")
    assert [(bar.start, bar.end) for bar in week[0].bars] == [(0, 60)]
    assert week[0].name == "lunedì"


def test_a_shift_of_a_whole_week_covers_every_day() -> None:
    week = week_of(a_plan((3, 0, 7 * 1440)), "it")
    assert all([(bar.start, bar.end) for bar in day.bars] == [(0, 1440)] for day in week)


def test_the_next_shifts_are_those_that_have_not_begun() -> None:
    saturday_noon = datetime(2027, 1, 9, 12, tzinfo=UTC)
    starts = [shift.start for shift in next_shifts(a_plan((5, 480, 480), (6, 480, 480)), saturday_noon, 2)]
    assert starts == [datetime(2027, 1, 10, 7, tzinfo=UTC), datetime(2027, 1, 16, 7, tzinfo=UTC)]


def test_a_shift_keeps_its_local_hours_across_a_clock_change() -> None:
    friday = datetime(2027, 3, 26, 12, tzinfo=UTC)
    starts = [shift.start for shift in next_shifts(a_plan((5, 480, 480), (6, 480, 480)), friday, 2)]
    assert starts == [datetime(2027, 3, 27, 7, tzinfo=UTC), datetime(2027, 3, 28, 6, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("text", "url", "note"),
    [
        ("https://example.org/a (a note)", "https://example.org/a", "a note"),
        ("https://example.org/a", "https://example.org/a", ""),
        ("a book, page 3", "", "a book, page 3"),
    ],
)
def test_a_source_is_taken_apart_into_link_and_note(text: str, url: str, note: str) -> None:
    assert (source_of(text).url, source_of(text).note) == (url, note)
