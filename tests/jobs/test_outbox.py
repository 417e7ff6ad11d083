"""What waits in the outbox is done once, tried again after a failure, and found by the sweeper."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from core import clock, mail, outbox
from core.db import db, transaction
from core.outbox import OutboxMessage, OutboxState
from jobs.tasks import perform_all_due, perform_message
from tests.factories import MONDAY
from tests.support import on_both_databases


def a_mail(key: str = "welcome:1", **values: object) -> OutboxMessage:
    with transaction() as tx:
        return mail.send(
            tx,
            key=key,
            to="anna@example.org",
            language="en",
            template="welcome",
            values={"name": "Anna", **values},
            at=clock.now(),
        )


def the_message() -> OutboxMessage:
    db.session.rollback()
    return db.session.scalars(select(OutboxMessage)).one()


@on_both_databases
def test_a_mail_asked_for_twice_leaves_once(context: Flask) -> None:
    a_mail()
    a_mail()
    assert perform_all_due() == 1
    assert perform_all_due() == 0
    sent = db.session.scalars(select(mail.Mail)).one()
    assert (sent.to, sent.subject) == ("anna@example.org", "Welcome to Equora")
    assert "http://localhost/login" in sent.body
    assert the_message().state is OutboxState.DONE


def test_a_rolled_back_transaction_sends_nothing(context: Flask) -> None:
    def ask_and_fail() -> None:
        with transaction() as tx:
            mail.send(tx, key="k", to="a@b.org", language="it", template="welcome", values={}, at=clock.now())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask_and_fail()
    assert perform_all_due() == 0


@on_both_databases
def test_a_message_is_claimed_by_one_worker_only(context: Flask) -> None:
    message = a_mail()
    with transaction() as tx:
        assert outbox.claim(tx, message.id, clock.now()) is not None
    with transaction() as tx:
        assert outbox.claim(tx, message.id, clock.now()) is None
    assert not perform_message(message.id)


@on_both_databases
def test_the_message_of_a_silent_worker_is_claimed_again(context: Flask) -> None:
    message = a_mail()
    with clock.frozen_at(MONDAY), transaction() as tx:
        tx.session.get_one(OutboxMessage, message.id).not_before = MONDAY
    with transaction() as tx:
        assert outbox.claim(tx, message.id, MONDAY) is not None
    later = MONDAY + outbox.STALE_AFTER + timedelta(seconds=1)
    with transaction() as tx:
        assert list(tx.session.scalars(outbox.work_due(MONDAY + timedelta(seconds=1)))) == []
        assert list(tx.session.scalars(outbox.work_due(later))) == [message.id]
    with clock.frozen_at(later):
        assert perform_message(message.id)
    assert the_message().state is OutboxState.DONE
    assert the_message().tries == 2


def test_a_worker_that_beats_keeps_its_message(context: Flask) -> None:
    message = a_mail()
    soon = clock.now() + outbox.STALE_AFTER
    with transaction() as tx:
        outbox.claim(tx, message.id, clock.now())
        outbox.beat(tx, message.id, soon)
    with transaction() as tx:
        assert outbox.claim(tx, message.id, soon + timedelta(seconds=1)) is None


def test_a_failing_message_waits_longer_each_time_and_is_given_up_at_last(context: Flask) -> None:
    with transaction() as tx:
        mail.send(tx, key="k", to="a@b.org", language="it", template="no such template", values={}, at=MONDAY)
    at, waits = MONDAY, []
    for _ in range(outbox.TRIES):
        with clock.frozen_at(at):
            assert perform_all_due(1) == 1
        waits.append(the_message().not_before - at)
        at = the_message().not_before
    assert waits[:4] == [outbox.FIRST_DELAY * 2**n for n in range(4)]
    assert the_message().state is OutboxState.FAILED
    assert "TemplateNotFound" in the_message().error


def test_a_mail_is_written_in_the_language_of_its_reader(context: Flask) -> None:
    subject, body = mail.render("welcome", "it", {"name": "Zoë"})
    assert subject == "Benvenuti in Equora"
    assert body.startswith("Gentile Zoë,")


def test_a_name_with_a_line_break_cannot_add_a_header(context: Flask) -> None:
    a_mail(name="Eve\nBcc: all@example.org")
    perform_all_due()
    sent = db.session.scalars(select(mail.Mail)).one()
    assert sent.subject == "Welcome to Equora"
