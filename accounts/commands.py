"""Commands of the accounts: `flask --app app person …`."""

import click
from flask import Flask
from flask.cli import AppGroup

from accounts import passwords, queries
from accounts.policy import SYSTEM
from accounts.services import credentials, people
from core import clock
from core.config import installed
from core.db import db, transaction
from core.errors import Refusal
from core.i18n import DEFAULT_LANGUAGE, LANGUAGES

group = AppGroup("person", help="Accounts of people.")


def init_app(app: Flask) -> None:
    """Give the application these commands."""
    app.cli.add_command(group)


@group.command("create")
@click.argument("email")
@click.option("--name", required=True, help="First and last name.")
@click.option("--language", type=click.Choice(LANGUAGES), default=DEFAULT_LANGUAGE, show_default=True)
@click.option("--office", is_flag=True, help="A member of the cluster office, who may do everything.")
@click.option("--link", is_flag=True, help="Print a link to choose a password, instead of asking for one.")
def create(email: str, name: str, language: str, *, office: bool, link: bool) -> None:
    """Make an account, for instance the first one of the cluster office."""
    now = clock.now()
    try:
        password = "" if link else _asked_password(email)
        people.create_person(email, name, password, SYSTEM, now, language=language, is_office=office)
    except Refusal as refusal:
        raise click.ClickException(" ".join([str(refusal), *refusal.fields.values()])) from None
    click.echo(f"Account made: {email}")
    if link:
        click.echo(_reset_link(email))


@group.command("reset-link")
@click.argument("email")
def reset_link(email: str) -> None:
    """Print a link with which the person may choose a new password within the hour."""
    if db.session.scalars(queries.person_by_email(email)).one_or_none() is None:
        raise click.ClickException(f"There is no account with the address {email}.")
    click.echo(_reset_link(email))


def _asked_password(email: str) -> str:
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    passwords.check_strength(password, email)
    return password


def _reset_link(email: str) -> str:
    with transaction() as tx:
        token = credentials.offer_reset(tx, tx.lock(queries.person_by_email(email)), clock.now())
    return f"{installed().public_url}/password/reset/{token}"
