"""Alembic's environment: the application's own engine and tables, online only."""

from logging.config import fileConfig
from pathlib import Path

from alembic import context
from flask import current_app
from sqlalchemy import Connection

import accounts.models
import booking.models
import calendars.models
import core.audit
import core.idempotency
import core.outbox
import core.session_rows
import facilities.models
from core.db import Model

TABLES = (accounts.models, booking.models, calendars.models, facilities.models)  # imported for their tables
TABLES_OF_CORE = (core.audit, core.idempotency, core.outbox, core.session_rows)

config = context.config
if config.config_file_name and Path(config.config_file_name).exists():
    fileConfig(config.config_file_name, disable_existing_loggers=False)


def _only_ours(_item: object, name: str | None, kind: str, reflected: bool, _other: object) -> bool:
    """Leave out what the guards and the search index made by hand: SQLite's FTS tables are no tables of the model."""
    return not (kind == "table" and reflected and (name or "").startswith("catalogue_search"))


def run(connection: Connection) -> None:
    """Run the migrations in one transaction."""
    context.configure(
        connection=connection,
        target_metadata=Model.metadata,
        include_object=_only_ours,
        compare_type=True,
        render_as_batch=False,
        user_module_prefix="core.db.",
    )
    with context.begin_transaction():
        context.run_migrations()


with current_app.extensions["migrate"].db.engine.connect() as online:
    run(online)
    online.commit()
