"""What is said about every kind of bad catalogue file."""

from pathlib import Path
from typing import Any

import pytest

from facilities.documents import CatalogueError
from facilities.importing import read_catalogue
from tests.facilities.factories import SMALL, a_document, a_file

FIRST = 'facilities[0] "laboratorio"'
SURROGATE = "caff\ud83d"


def complaints_of(path: Path) -> list[str]:
    with pytest.raises(CatalogueError) as caught:
        read_catalogue(path)
    return [line.removeprefix("catalogue.json: ") for line in caught.value.complaints]


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("schema", "other/1", 'schema: must be "facilities-demo/1", not "other/1"'),
        ("schema", ..., "schema: is missing"),
        ("facilities", ..., "facilities: is missing"),
        ("facilities", {}, "facilities: must be a list, not an object"),
        ("facilities.0", 7, "facilities[0]: must be an object, not a number"),
        ("extra", 1, "extra: unknown field"),
        ("facilities.0.colour", 1, f"{FIRST} colour: unknown field"),
        ("facilities.0.slug", "Bad Slug", "lower-case letters, digits and single hyphens"),
        ("facilities.0.name_it", "", f"{FIRST} name_it: must not be blank"),
        ("facilities.0.name_it", None, f"{FIRST} name_it: must be a text, not null"),
        ("facilities.0.name_it", "x" * 301, f"{FIRST} name_it: must have at most 300 signs, it has 301"),
        ("facilities.0.name_it", SURROGATE, f"{FIRST} name_it: holds the sign U+D83D, which is no part of a text"),
        ("facilities.0.name_it", "a\x00b", f"{FIRST} name_it: holds the sign U+0000, which is no part of a text"),
        ("facilities.0.lat", 91, f"{FIRST} lat: must be between -90 and 90, not 91"),
        ("facilities.0.lon", "9", f'{FIRST} lon: must be a number, not "9"'),
        ("facilities.0.lat", float("nan"), f"{FIRST} lat: must be a finite number"),
        ("facilities.0.lat", True, f"{FIRST} lat: must be a number, not true"),
        ("facilities.0.url", "javascript:alert(1)", f"{FIRST} url: must begin with http:// or https://"),
        ("facilities.0.organisation_ror", "https://ror.org/00wjc7c49", "checksum of this ROR id is wrong"),
        ("facilities.0.organisation_ror", "x", "A ROR id looks like"),
        ("facilities.0.access_modes.0", "gratis", f"{FIRST} access_modes[0]: must be one of free, "),
        ("facilities.0.access_modes.1", "paid", f"{FIRST} access_modes[1]: stands here twice"),
        ("facilities.0.techniques.0.panet", "http://x", f'{FIRST} techniques[0].panet: "http://x" is no term of PaNET'),
        ("facilities.0.resources.0.capacity", 0, f"{FIRST} resources[0].capacity: must be a whole number ≥ 1, not 0"),
        ("facilities.0.resources.0.capacity", 1.5, "resources[0].capacity: must be a whole number ≥ 1, not 1.5"),
        ("facilities.0.resources.0.capacity", True, "resources[0].capacity: must be a whole number ≥ 1, not true"),
        (
            "facilities.0.resources.0.max_minutes",
            60,
            "resources[0].max_minutes: must not be less than min_minutes (240)",
        ),
        ("facilities.0.resources.0.training_required", 1, "training_required: must be true or false, not 1"),
        ("facilities.0.resources.0.kind", "teapot", "resources[0].kind: must be one of beamline, "),
        ("facilities.0.resources.0.booking_mode", [], "resources[0].booking_mode: must be one of closed, "),
        ("facilities.0.resources.0.shift_plan", "days", 'shift_plan: there is no shift plan "days" in this file'),
        ("facilities.0.resources.0.assumed_fields.0", "weather", "assumed_fields[0]: must be one of "),
        ("facilities.0.resources.1.name", "Protons", 'gives the slug "protons", which resources[0] has too'),
        ("facilities.0.resources.0.specs", [], "resources[0].specs: must be an object, not a list"),
        ("facilities.0.resources.0.specs.energy_MeV_u", [250, 60], "a range must begin with its lower end"),
        ("facilities.0.resources.0.specs.energy_MeV_u", float("inf"), "energy_MeV_u: must be a finite number"),
        (
            "facilities.0.resources.0.specs.energy_MeV_u",
            {"a": 1},
            "must be a number, a text, a range or a list of texts",
        ),
        ("shift_plans.nights.timezone", "Mars/Base", '"Mars/Base" is no time zone of the IANA database'),
        ("shift_plans.nights.weekly_shifts", [], "weekly_shifts: must have at least one shift"),
        ("shift_plans.nights.weekly_shifts.0.day", "MAR", "weekly_shifts[0].day: must be one of FRI, "),
        ("shift_plans.nights.weekly_shifts.0.start", "24:00", 'start: must be a time like "08:00", not "24:00"'),
        ("shift_plans.nights.weekly_shifts.0.minutes", 10080, "shift_plans.nights.weekly_shifts: two shifts overlap"),
        ("shift_plans.nights.ion_change_minutes", -1, "ion_change_minutes: must be a whole number ≥ 0, not -1"),
        ("facilities.1", SMALL["facilities"][0], "is already the slug of facilities[0]"),
    ],
)
def test_a_fault_is_named_by_entry_and_field(tmp_path: Path, path: str, value: Any, complaint: str) -> None:
    found = complaints_of(a_file(tmp_path, a_document((path, value))))
    assert any(complaint in line for line in found), found


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('{"schema": }', "line 1 column 12: not valid JSON: Expecting value"),
        ('{\n "schema" "a"}', "line 2 column 11: not valid JSON: Expecting ':' delimiter"),
        ("", "line 1 column 1: not valid JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"schema": ' + "9" * 5000 + "}", "not valid JSON: Exceeds the limit"),
        (b'{"schema": "\xff"}', "byte 12 is not UTF-8"),
        ("[]", "must be an object, not a list"),
        ('{"schema": "facilities-demo/1", "schema": 1}', "schema: stands here more than once"),
    ],
)
def test_what_is_no_json_object_is_refused_with_its_place(tmp_path: Path, content: str | bytes, complaint: str) -> None:
    found = complaints_of(a_file(tmp_path, content))
    assert any(complaint in line for line in found), found


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    bad = a_document(("facilities.0.lat", 100), ("facilities.0.resources.1.kind", "x"), ("note", 5))
    assert len(complaints_of(a_file(tmp_path, bad))) == 3


def test_an_organisation_with_two_ror_ids_is_a_fault(tmp_path: Path) -> None:
    other = a_document(("facilities.0.slug", "altro"), ("facilities.0.organisation_ror", "https://ror.org/029gmnc79"))
    both = a_document(("facilities.1", other["facilities"][0]))
    found = complaints_of(a_file(tmp_path, both))
    assert found == ['facilities[1] "altro" organisation_ror: this organisation has https://ror.org/00wjc7c48 above']


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = a_file(tmp_path, a_document())
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(read_catalogue(path).facilities) == 1
