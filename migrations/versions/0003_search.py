"""Full-text search of the catalogue: FTS5 on SQLite, tsvector with a GIN index on PostgreSQL.

The texts are folded by facilities.search before they come here, so both databases index the same plain words.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

POSTGRESQL = (
    """CREATE TABLE catalogue_search (
        facility_id uuid PRIMARY KEY REFERENCES facilities (id) ON DELETE CASCADE,
        document tsvector NOT NULL)""",
    "CREATE INDEX ix_catalogue_search_document ON catalogue_search USING gin (document)",
)
SQLITE = (
    """CREATE VIRTUAL TABLE catalogue_search USING fts5(
        facility_id UNINDEXED, title, subject, body, tokenize = "unicode61 remove_diacritics 2", prefix = '2 3 4')""",
)


def upgrade() -> None:
    """Forward only."""
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)
