"""Importing a catalogue file."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from accounts.models import Organisation
from accounts.policy import VISITOR
from core.audit import AuditEntry
from core.db import db
from core.errors import Forbidden
from facilities import queries
from facilities.documents import CatalogueError
from facilities.models import ExclusionGroup, Facility, Instrument, OperatingPlan, Shift, Technique
from facilities.policy import BookingMode
from facilities.services import import_catalogue
from tests.facilities.factories import SHIPPED, a_document, a_file, imported
from tests.support import on_both_databases

NOW = datetime(2026, 11, 22, tzinfo=UTC)
TABLES = (Organisation, Facility, Instrument, Technique, OperatingPlan, Shift, ExclusionGroup, AuditEntry)


def row_counts() -> dict[str, int]:
    return {t.__tablename__: db.session.scalar(select(func.count()).select_from(t)) or 0 for t in TABLES}


def instrument(facility: str, slug: str) -> Instrument:
    db.session.expire_all()
    return db.session.scalars(queries.instrument_by_slugs(facility, slug)).one()


@on_both_databases
def test_the_shipped_file_gives_24_facilities_and_52_instruments(context: Flask) -> None:
    outcome = imported()
    counts = row_counts()
    assert (outcome.facilities, outcome.instruments) == (24, 52)
    assert (counts["facilities"], counts["instruments"], counts["operating_plans"]) == (24, 52, 1)


@on_both_databases
def test_a_second_run_changes_nothing_and_says_so(context: Flask) -> None:
    imported()
    before = row_counts()
    second = imported()
    assert second.changed_nothing
    assert row_counts() == before


def test_each_changed_entry_is_in_the_audit_trail(context: Flask) -> None:
    imported(a_document())
    imported(a_document(("facilities.0.city", "Lodi")))
    last = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert last is not None
    assert (last.verb, last.subject, last.detail) == (
        "import_catalogue",
        "facilities",
        {"facility laboratorio": ["city"]},
    )


def test_the_pavia_beamlines_share_one_beam(context: Flask) -> None:
    imported()
    protons, carbon = instrument("cnao", "xpr-beamline-protons"), instrument("cnao", "xpr-beamline-carbon-ions")
    assert (protons.configuration, carbon.configuration) == ("p", "C")
    assert protons.exclusion_group is not None
    assert protons.exclusion_group.slug == "cnao-beam"
    assert protons.exclusion_group.changeover == {"C>p": 60, "p>C": 60}
    assert carbon.exclusion_group_id == protons.exclusion_group_id
    assert instrument("cnao", "bnct-neutron-facility").exclusion_group_id is None


@pytest.mark.parametrize(
    ("told", "mode", "access_type"),
    [
        ("proposal", BookingMode.ROUND, "physical"),
        ("slot", BookingMode.INSTANT, "physical"),
        ("mail_in", BookingMode.APPROVAL, "mail-in"),
        ("event", BookingMode.APPROVAL, "physical"),
        ("closed", BookingMode.CLOSED, "physical"),
        ("with_parent", BookingMode.WITH_PARENT, "physical"),
    ],
)
def test_the_files_booking_modes_are_ours(context: Flask, told: str, mode: BookingMode, access_type: str) -> None:
    imported(a_document(("facilities.0.resources.0.booking_mode", told)))
    made = instrument("laboratorio", "protons")
    assert (made.booking_mode, made.access_type) == (mode, access_type)


def test_organisations_are_created_without_inventing_type_or_membership(context: Flask) -> None:
    imported(a_document())
    made = db.session.scalars(select(Organisation)).one()
    assert (made.name, made.slug) == ("Università di Prova", "universita-di-prova")
    assert (made.type, made.is_member, made.ror_confirmed) == (None, False, False)
    assert made.ror == "https://ror.org/00wjc7c48"


def test_a_confirmed_ror_id_is_not_overwritten(context: Flask) -> None:
    imported(a_document())
    made = db.session.scalars(select(Organisation)).one()
    made.ror, made.ror_confirmed = "https://ror.org/029gmnc79", True
    db.session.commit()
    assert imported(a_document()).changed_nothing


def test_an_instrument_that_is_gone_from_the_file_is_closed_and_kept(context: Flask) -> None:
    imported(a_document())
    without = a_document(("facilities.0.resources.1", ...))
    assert imported(without).changes["instrument laboratorio/carbon"] == ["closed"]
    assert instrument("laboratorio", "carbon").booking_mode is BookingMode.CLOSED
    assert imported(without).changed_nothing


def test_an_instrument_that_comes_back_is_the_same_row_again(context: Flask) -> None:
    imported(a_document())
    first = instrument("laboratorio", "carbon").id
    imported(a_document(("facilities.0.resources.1", ...)))
    imported(a_document())
    again = instrument("laboratorio", "carbon")
    assert (again.id, again.booking_mode) == (first, BookingMode.ROUND)


def test_facilities_that_the_file_does_not_name_are_left_alone_and_named(context: Flask) -> None:
    imported(a_document())
    other = imported(a_document(("facilities.0.slug", "altro")))
    assert other.notices == ["not in this file and left as they are: laboratorio"]
    assert instrument("laboratorio", "carbon").booking_mode is BookingMode.ROUND


def test_changed_shifts_replace_the_old_ones(context: Flask) -> None:
    imported(a_document())
    shifts = [{"day": "SAT", "start": "08:00", "minutes": 480}]
    outcome = imported(a_document(("shift_plans.nights.weekly_shifts", shifts)))
    assert outcome.changes == {"shift plan nights": ["shifts"]}
    found = db.session.execute(select(Shift.weekday, Shift.start_minute, Shift.minutes)).all()
    assert [tuple(row) for row in found] == [(5, 480, 480)]


def test_only_office_and_system_may_import(context: Flask) -> None:
    with pytest.raises(Forbidden):
        import_catalogue(SHIPPED, VISITOR, NOW)
    assert row_counts()["facilities"] == 0


@on_both_databases
def test_a_file_with_one_fault_changes_nothing(context: Flask) -> None:
    imported(a_document())
    before = row_counts()
    bad = a_document(("facilities.0.city", "Lodi"), ("facilities.0.resources.1.capacity", 0))
    with pytest.raises(CatalogueError):
        imported(bad)
    assert row_counts() == before
    assert db.session.scalar(select(Facility.city)) == "Pavia"


def test_the_command_imports_and_then_has_nothing_to_do(app: Flask) -> None:
    runner = app.test_cli_runner()
    first = runner.invoke(args=["catalogue", "import", str(SHIPPED)])
    second = runner.invoke(args=["catalogue", "import", str(SHIPPED)])
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "entries changed" in first.output
    assert second.output == "facilities.json: 24 facilities, 52 instruments read; nothing to change.\n"


def test_the_command_fails_with_file_entry_and_field(app: Flask, tmp_path: Path) -> None:
    path = a_file(tmp_path, a_document(("facilities.0.resources.0.capacity", "two")))
    result = app.test_cli_runner().invoke(args=["catalogue", "import", str(path)])
    assert result.exit_code == 1
    assert (
        'catalogue.json: facilities[0] "laboratorio" resources[0].capacity: must be a whole number ≥ 1, not "two"'
        in result.output
    )


def test_the_command_says_when_there_is_no_such_file(app: Flask, tmp_path: Path) -> None:
    result = app.test_cli_runner().invoke(args=["catalogue", "import", str(tmp_path / "none.json")])
    assert result.exit_code == 1
    assert "none.json: cannot be read: No such file or directory" in result.output
