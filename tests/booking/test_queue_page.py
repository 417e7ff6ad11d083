"""What the system still has to do, for the office: counts, what was given up, runs; and trying again."""

from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select

from accounts.policy import Role
from booking.services import queue
from core import clock, outbox
from core.audit import AuditEntry
from core.db import db, transaction
from core.errors import Forbidden, NotFound
from core.outbox import OutboxMessage, OutboxState
from tests.booking.bookers import statements
from tests.factories import a_facility, a_manager, a_member, a_person, actor, stored
from tests.support import browser


def a_message(state: OutboxState, **values: object) -> OutboxMessage:
    now = clock.now()
    common = {"kind": "mail", "key": str(uuid4()), "payload": {"to": "secret@example.org"}, "state": state}
    return stored(OutboxMessage(**{**common, "created_at": now, "not_before": now, **values}))


def row_of(page: str, kind: str) -> list[str]:
    """The cells of a kind's row."""
    row = page[page.index(f'<th scope="row">{kind}</th>') :]
    return [cell.partition(">")[2].partition("</td>")[0] for cell in row[: row.index("</tr>")].split("<td")[1:]]


def test_the_office_sees_what_waits_is_done_is_silent_and_was_given_up(app: Flask, context: Flask) -> None:
    now = clock.now()
    a_message(OutboxState.WAITING)
    a_message(OutboxState.WAITING, not_before=now + timedelta(hours=1))
    a_message(OutboxState.TAKEN, heartbeat_at=now)
    a_message(OutboxState.TAKEN, heartbeat_at=now - 2 * outbox.STALE_AFTER)
    a_message(OutboxState.DONE, done_at=now)
    a_message(OutboxState.DONE, done_at=now - timedelta(days=2))
    a_message(OutboxState.FAILED, error="the mail server said no", tries=8)
    office = browser(app, a_person(is_office=True, language="en").id)
    with statements() as sent:
        page = office.get("/queue?lang=en").text
    cells = row_of(page, "Mail")
    assert [cells[place] for place in (0, 2, 3, 4, 6)] == ["1", "1", "1", "1", "1"]
    assert ">1<" in cells[5]
    assert "the mail server said no" in page
    assert "secret@example.org" not in page
    assert len(sent) <= 7


@pytest.mark.parametrize("role", ["visitor", "member", "manager"])
def test_nobody_else_sees_it(app: Flask, context: Flask, role: str) -> None:
    person = {"visitor": None, "member": a_member(), "manager": a_manager(a_facility(), Role.MANAGER)}[role]
    answer = browser(app, person.id if person else None).get("/queue")
    assert answer.status_code == (403 if person else 303)


def test_what_was_given_up_is_tried_again_once_and_it_is_noted(app: Flask, context: Flask) -> None:
    office = a_person(is_office=True)
    message = a_message(OutboxState.FAILED, error="no", tries=8)
    for _ in range(2):
        assert browser(app, office.id).post_form(f"/queue/{message.id}/again").status_code == 303
    db.session.expire_all()
    row = db.session.scalars(select(OutboxMessage).where(OutboxMessage.id == message.id)).one()
    assert (row.state, row.tries, row.payload) == (OutboxState.WAITING, 0, {"to": "secret@example.org"})
    noted = db.session.scalars(select(AuditEntry).where(AuditEntry.verb == "try_again")).all()
    assert [(entry.person_id, entry.subject_id) for entry in noted] == [(office.id, message.id)]
    with transaction() as tx:
        assert outbox.claim(tx, message.id, clock.now()) is not None


def test_what_is_done_stays_done_and_others_may_not(context: Flask) -> None:
    office, message = a_person(is_office=True), a_message(OutboxState.DONE)
    queue.try_again(message.id, actor(office), clock.now())
    db.session.expire_all()
    assert db.session.scalars(select(OutboxMessage.state).where(OutboxMessage.id == message.id)).one() == "done"
    with pytest.raises(Forbidden):
        queue.try_again(message.id, actor(a_member()), clock.now())
    with pytest.raises(NotFound):
        queue.try_again(uuid4(), actor(office), clock.now())
