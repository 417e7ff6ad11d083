"""The scheduled work of everyday booking: it is on the schedule, does its part, and one failure stops nothing else."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from booking.models import ShareEntry, ShareKind, Swap, SwapState
from booking.services import ledger
from core import clock
from core.db import db
from facilities.models import InstrumentRules
from jobs import everyday
from jobs.engine import RELEASE, SETTLE, celery
from tests.booking.bookers import HOUR, NINE, a_booker
from tests.factories import BEFORE, actor, an_instrument, stored


def kinds() -> set[ShareKind]:
    db.session.rollback()
    return set(db.session.scalars(select(ShareEntry.kind)))


@pytest.mark.parametrize(("name", "seconds"), [(RELEASE, 60.0), (SETTLE, 600.0)])
def test_it_is_scheduled_and_no_ring_outlives_its_turn(context: Flask, name: str, seconds: float) -> None:
    (entry,) = [one for one in celery.conf.beat_schedule.values() if one["task"] == name]
    assert (entry["schedule"], entry["options"]["expires"]) == (seconds, seconds)
    assert name in celery.tasks


def test_every_minute_releases_and_every_ten_settle(context: Flask) -> None:
    anna, strict = a_booker(), an_instrument()
    stored(InstrumentRules(instrument_id=strict.id, no_show_minutes=30, changed_at=BEFORE))
    anna.book(strict)
    anna.book(an_instrument())
    with clock.frozen_at(NINE + 3 * HOUR):
        everyday.release()
        assert kinds() == {ShareKind.NO_SHOW}
        everyday.settle()
        everyday.settle()
    assert kinds() == {ShareKind.NO_SHOW, ShareKind.USED}
    assert len(db.session.scalars(select(ShareEntry)).all()) == 2


def test_late_cancellations_are_settled_and_offers_to_swap_end(context: Flask) -> None:
    anna, ben = a_booker(), a_booker()
    instrument = an_instrument()
    stored(InstrumentRules(instrument_id=instrument.id, free_cancel_minutes=1440, changed_at=BEFORE))
    late = anna.book(instrument)
    mine, theirs = anna.book(instrument, NINE + 2 * HOUR), ben.book(instrument, NINE + 4 * HOUR)
    ledger.cancel(late, actor(anna.person), NINE - HOUR)
    swap = Swap(offered_id=mine, wanted_id=theirs, state=SwapState.OFFERED, created_at=BEFORE, expires_at=NINE - HOUR)
    swap_id = stored(swap).id
    with clock.frozen_at(NINE + 2 * HOUR):
        everyday.settle()
    assert kinds() == {ShareKind.LATE_CANCELLATION}
    assert db.session.scalar(select(Swap.state).where(Swap.id == swap_id)) is SwapState.EXPIRED


def test_work_that_fails_keeps_no_other_from_being_done(
    context: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[datetime] = []

    def broken(now: datetime) -> int:
        raise RuntimeError("no such table")

    def sound(now: datetime) -> int:
        done.append(now)
        return 1

    work: Any = (broken, sound)
    monkeypatch.setattr(everyday, "SETTLING", work)
    with clock.frozen_at(NINE + timedelta(days=1)):
        everyday.settle()
    assert done == [NINE + timedelta(days=1)]
    assert "broken failed" in caplog.text
