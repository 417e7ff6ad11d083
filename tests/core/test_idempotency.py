"""Keys that make the same create happen once."""

from uuid import uuid4

from flask import Flask

from core import clock, idempotency
from core.db import transaction


def test_a_key_of_any_length_is_remembered_per_person_and_verb(context: Flask) -> None:
    person, other, made = uuid4(), uuid4(), uuid4()
    keys = ("k", "x" * 5000, "x" * 5001, "\u00e8")
    for key in keys:
        with transaction() as tx:
            assert idempotency.made_before(tx, person, key, "book") is None
            idempotency.remember(tx, person, key, "book", made, clock.now())
    with transaction() as tx:
        assert {idempotency.made_before(tx, person, key, "book") for key in keys} == {made}
        assert idempotency.made_before(tx, other, "k", "book") is None
        assert idempotency.made_before(tx, person, "k", "clone") is None


def test_one_key_may_serve_for_two_verbs(context: Flask) -> None:
    person = uuid4()
    for verb in ("book", "clone"):
        with transaction() as tx:
            idempotency.remember(tx, person, "k", verb, uuid4(), clock.now())


def test_no_key_never_made_anything(context: Flask) -> None:
    person = uuid4()
    for _ in range(2):
        with transaction() as tx:
            assert idempotency.made_before(tx, person, "", "book") is None
            idempotency.remember(tx, person, "", "book", uuid4(), clock.now())
