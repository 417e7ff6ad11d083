"""Many processes want the same slots at the same moment: no overlap, no lost write, no error but "taken"."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from booking.lifecycle import BookingState
from core.config import ROOT
from core.db import db, transaction
from facilities.models import Instrument
from facilities.policy import BookingMode
from tests.booking.race import TRIES, Outcome, Race
from tests.factories import (
    BEFORE,
    MONDAY,
    a_booking,
    a_facility,
    a_manager,
    a_member,
    an_exclusion_group,
    an_instrument,
    an_organisation,
)
from tests.support import on_both_databases

pytestmark = on_both_databases
FIRST_SLOT = MONDAY + timedelta(hours=8)
OVERLAPS = """
    SELECT count(*) FROM bookings a JOIN bookings b ON a.id < b.id
    WHERE a.state IN ('tentative', 'confirmed') AND b.state IN ('tentative', 'confirmed')
    AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at
    AND ((a.instrument_id = b.instrument_id AND a.unit = b.unit)
        OR (a.exclusion_group_id = b.exclusion_group_id AND a.instrument_id <> b.instrument_id))"""


@pytest.fixture
def beams(context: Flask) -> list[Instrument]:
    """Two instruments that may never run at once."""
    facility = a_facility()
    group = an_exclusion_group(facility)
    return [an_instrument(facility, exclusion_group_id=group.id, booking_mode=BookingMode.APPROVAL) for _ in range(2)]


def race(
    database_url: str,
    folder: Path,
    beams: list[Instrument],
    conduct: str,
    *,
    members: int,
    managers: int = 0,
    slots: int = 20,
) -> list[Outcome]:
    """Run a race with fresh people and give what they were told."""
    organisation = an_organisation()
    people = [a_member(organisation) for _ in range(members)]
    staff = [a_manager(beams[0].facility) for _ in range(managers)]
    return run(
        Race(
            database_url=database_url,
            folder=str(folder),
            conduct=conduct,
            contenders=[(str(person.id), str(organisation.id)) for person in people],
            managers=[str(person.id) for person in staff],
            instruments=[str(beam.id) for beam in beams],
            first_slot=FIRST_SLOT.isoformat(),
            slots=slots,
            now=BEFORE.isoformat(),
        )
    )


def run(wanted: Race) -> list[Outcome]:
    db.session.remove()
    db.engine.dispose()
    done = subprocess.run(
        [sys.executable, "-m", "tests.booking.race"],
        input=json.dumps(asdict(wanted)),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [Outcome(**outcome) for outcome in json.loads(done.stdout)]


def query(statement: str) -> list[Any]:
    db.session.rollback()
    return [tuple(row) for row in db.session.execute(text(statement))]


def overlaps() -> int:
    """Counted by a query of its own, not by the code under test."""
    return int(query(OVERLAPS)[0][0])


def test_fifty_processes_want_twenty_slots_and_each_is_won_once(
    database_url: str, tmp_path: Path, beams: list[Instrument]
) -> None:
    outcomes = race(database_url, tmp_path, beams, "book_everything", members=50)
    won = Counter(outcome.slot for outcome in outcomes if outcome.booking)
    assert won == dict.fromkeys(range(20), 1)
    assert Counter(outcome.refusal for outcome in outcomes if not outcome.booking) == {"taken": 50 * TRIES - 20}
    assert overlaps() == 0
    stored = {str(row[0]).replace("-", "") for row in query("SELECT id FROM bookings")}
    assert stored == {outcome.booking.replace("-", "") for outcome in outcomes if outcome.booking}


def test_booking_approving_cancelling_moving_and_publishing_at_once_never_overlap(
    database_url: str, tmp_path: Path, beams: list[Instrument]
) -> None:
    waiting = [
        a_booking(beams[0], starts_at=FIRST_SLOT + timedelta(days=3, hours=2 * n), state=BookingState.TENTATIVE).id.hex
        for n in range(4)
    ]
    outcomes = race(database_url, tmp_path, beams, "mix", members=40, managers=12)
    assert overlaps() == 0
    told = Counter((outcome.verb, outcome.refusal) for outcome in outcomes)
    assert {refusal for _, refusal in told} <= {"", "taken", "illegal_step", "changed_meanwhile"}, told
    assert all(told[verb, ""] for verb in ("book", "cancel", "approve", "publish", "move")), told
    _check_that_nothing_acknowledged_was_lost(outcomes, set(waiting))


def _check_that_nothing_acknowledged_was_lost(outcomes: list[Outcome], before: set[str]) -> None:
    stored = {str(row[0]).replace("-", ""): row[1] for row in query("SELECT id, state FROM bookings")}

    def told(*verbs: str) -> set[str]:
        return {one.booking.replace("-", "") for one in outcomes if one.verb in verbs and one.booking}

    assert set(stored) == told("book", "publish") | before
    assert {key for key, state in stored.items() if state == "cancelled"} == told("cancel")
    assert all(stored[key] == "confirmed" for key in told("approve", "publish") - told("cancel", "move"))
    assert all(stored[key] in ("tentative", "confirmed") for key in told("move") - told("cancel"))


def test_twenty_identical_submissions_make_one_booking(
    database_url: str, tmp_path: Path, beams: list[Instrument]
) -> None:
    organisation = an_organisation()
    person = a_member(organisation)
    outcomes = run(
        Race(
            database_url=database_url,
            folder=str(tmp_path),
            conduct="submit_the_same_form",
            contenders=[(str(person.id), str(organisation.id))] * 20,
            managers=[],
            instruments=[str(beams[0].id)],
            first_slot=FIRST_SLOT.isoformat(),
            slots=1,
            now=BEFORE.isoformat(),
        )
    )
    assert len({outcome.booking for outcome in outcomes}) == 1
    assert len(query("SELECT id FROM bookings")) == 1


def test_series_that_cross_each_other_are_had_whole_or_not_at_all(
    database_url: str, tmp_path: Path, beams: list[Instrument]
) -> None:
    outcomes = race(database_url, tmp_path, beams, "book_a_series", members=10, slots=1)
    told = Counter(outcome.refusal for outcome in outcomes)
    assert told == {"": 1, "occurrences_refused": 9}
    assert overlaps() == 0
    assert query("SELECT count(*) FROM booking_series") == [(1,)]
    assert query("SELECT count(*) FROM bookings") == [(5,)]


def test_the_guard_alone_stops_those_who_look_first_and_write_later(
    database_url: str, tmp_path: Path, beams: list[Instrument]
) -> None:
    outcomes = race(database_url, tmp_path, beams, "look_then_write", members=8, slots=3)
    assert overlaps() == 0
    assert max(Counter(outcome.slot for outcome in outcomes if outcome.booking).values()) == 1


def test_control_without_the_guard_the_same_race_does_overlap(
    database_url: str, tmp_path: Path, beams: list[Instrument]
) -> None:
    _drop_the_guard()
    race(database_url, tmp_path, beams, "look_then_write", members=8, slots=3)
    assert overlaps() > 0


def _drop_the_guard() -> None:
    if db.engine.dialect.name == "postgresql":
        drops = [f"ALTER TABLE bookings DROP CONSTRAINT {one}" for one in ("bookings_no_overlap", "bookings_exclusive")]
    else:
        drops = [f"DROP TRIGGER bookings_no_overlap_{event}" for event in ("insert", "update")]
    with transaction() as tx:
        for drop in drops:
            tx.session.execute(text(drop))
