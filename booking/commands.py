"""Commands that set up an installation and its demo: `flask --app app setup`, `flask --app app demo accounts`."""

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from flask_migrate import upgrade

from booking import demo
from core import clock
from core.config import ROOT, installed

demo_commands = AppGroup("demo", help="The invented people, round and requests that one can try the product with.")


def init_app(app: Flask) -> None:
    """Let `flask setup` and `flask demo …` be known."""
    app.cli.add_command(setup)
    app.cli.add_command(demo_commands)


@click.command("setup")
@with_appcontext
def setup() -> None:
    """Bring the database to this version's form, and load the demo where it is missing."""
    click.echo("Database …", nl=False)
    upgrade(directory=str(ROOT / "migrations"))
    click.echo(" ready.")
    if installed().demo and not demo.is_complete():
        _load()


@demo_commands.command("load")
def load() -> None:
    """Load whatever of the demo is missing."""
    _load()


@demo_commands.command("accounts")
def accounts() -> None:
    """Print who one can sign in as."""
    for line in account_lines():
        click.echo(line)


def account_lines() -> list[str]:
    """The demo's accounts, one a line."""
    widest = max(len(person.email) for person in demo.PEOPLE)
    lines = [f"Demo accounts (password for all: {demo.PASSWORD})"]
    lines += [f"  {person.email:<{widest}}  {person.role.value:<8}  {person.place}".rstrip() for person in demo.PEOPLE]
    return lines


def _load() -> None:
    click.echo("Loading the demo …")
    demo.load(lambda step: click.echo(f"  {step}"), demo.now_for_demo())
    current_app.logger.info("demo loaded at %s", clock.now())
    click.echo("Demo loaded.")
