"""Commands of the catalogue: `flask --app app catalogue import FILE`."""

from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup

from accounts.policy import SYSTEM
from core import clock
from core.errors import Refusal
from facilities.documents import CatalogueError
from facilities.services import ImportOutcome, import_catalogue

catalogue = AppGroup("catalogue", help="The catalogue of facilities and instruments.")


def init_app(app: Flask) -> None:
    """Let `flask catalogue …` know these commands."""
    app.cli.add_command(catalogue)


@catalogue.command("import")
@click.argument("file", type=click.Path(path_type=Path))
def import_file(file: Path) -> None:
    """Bring the catalogue to what FILE (JSON) says: all of it, or nothing when something is wrong."""
    try:
        outcome = import_catalogue(file, SYSTEM, clock.now())
    except CatalogueError as error:
        raise click.ClickException("nothing was imported.\n" + "\n".join(error.complaints)) from error
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal
    for line in report(file.name, outcome):
        click.echo(line)


def report(name: str, outcome: ImportOutcome) -> list[str]:
    """What an import did, for people."""
    read = f"{name}: {outcome.facilities} facilities, {outcome.instruments} instruments read"
    if outcome.changed_nothing:
        return [f"{read}; nothing to change.", *outcome.notices]
    lines = [f"  {row}: {', '.join(changed)}" for row, changed in outcome.changes.items()]
    return [f"{read}; {len(lines)} entries changed:", *lines, *outcome.notices]
