"""The migrations make exactly the tables of the models, on both databases."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask

from core.db import Model, db
from tests.support import on_both_databases

MADE_BY_HAND = ("catalogue_search",)  # the full-text index


@on_both_databases
def test_the_migrated_database_is_that_of_the_models(context: Flask) -> None:
    def ours(_item: object, name: str | None, kind: str, reflected: bool, _other: object) -> bool:
        return not (kind == "table" and reflected and (name or "").startswith(MADE_BY_HAND))

    with db.engine.connect() as connection:
        options = {"compare_type": True, "include_object": ours}
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), Model.metadata)
    assert differences == []
