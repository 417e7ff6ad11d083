"""Commands for accounts."""

from flask import Flask
from sqlalchemy import select

from accounts import passwords
from accounts.models import Person
from core.db import db
from tests.support import Browser


def test_the_first_office_account_is_made_on_the_command_line(context: Flask) -> None:
    made = context.test_cli_runner().invoke(
        args=["person", "create", "Olga@example.org", "--name", "Olga Office", "--office"],
        input="a good password\na good password\n",
    )
    assert made.exit_code == 0, made.output
    person = db.session.scalars(select(Person)).one()
    assert (person.email, person.is_office) == ("olga@example.org", True)
    assert passwords.matches(person.password_hash, "a good password")


def test_a_link_to_choose_the_password_is_printed_instead(context: Flask, visitor: Browser) -> None:
    made = context.test_cli_runner().invoke(args=["person", "create", "o@example.org", "--name", "Olga", "--link"])
    link = made.output.splitlines()[-1]
    assert link.startswith("http://localhost/password/reset/")
    assert visitor.get(link.removeprefix("http://localhost")).status_code == 200


def test_mistakes_are_said_in_one_line(context: Flask) -> None:
    runner = context.test_cli_runner()
    weak = runner.invoke(args=["person", "create", "o@example.org", "--name", "Olga"], input="short\nshort\n")
    assert (weak.exit_code, "at least 10 characters" in weak.output) == (1, True)
    nobody = runner.invoke(args=["person", "reset-link", "nobody@example.org"])
    assert (nobody.exit_code, "There is no account" in nobody.output) == (1, True)
    assert db.session.scalars(select(Person)).all() == []
