"""The guards: no two live bookings overlap, and the audit trail is append-only.

PostgreSQL refuses by exclusion constraints, SQLite by triggers; the application's own checks only serve
to say it nicely beforehand.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LIVE = "('tentative', 'confirmed')"

POSTGRESQL = (
    "CREATE EXTENSION IF NOT EXISTS btree_gist",
    f"""ALTER TABLE bookings ADD CONSTRAINT bookings_no_overlap EXCLUDE USING gist
        (instrument_id WITH =, unit WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (state IN {LIVE})""",
    f"""ALTER TABLE bookings ADD CONSTRAINT bookings_exclusive EXCLUDE USING gist
        (exclusion_group_id WITH =, instrument_id WITH <>, tstzrange(starts_at, ends_at) WITH &&)
        WHERE (state IN {LIVE} AND exclusion_group_id IS NOT NULL)""",
    """CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'audit_entries is append-only'; END $$""",
    """CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE ON audit_entries
        FOR EACH ROW EXECUTE FUNCTION audit_is_append_only()""",
)


def _overlap_trigger(name: str, event: str) -> str:
    return f"""CREATE TRIGGER bookings_no_overlap_{name} BEFORE {event} ON bookings
        WHEN NEW.state IN {LIVE}
        BEGIN
            SELECT RAISE(ABORT, 'bookings_no_overlap') WHERE EXISTS (
                SELECT 1 FROM bookings WHERE instrument_id = NEW.instrument_id AND unit = NEW.unit
                AND state IN {LIVE} AND id <> NEW.id AND starts_at < NEW.ends_at AND ends_at > NEW.starts_at);
            SELECT RAISE(ABORT, 'bookings_exclusive') WHERE NEW.exclusion_group_id IS NOT NULL AND EXISTS (
                SELECT 1 FROM bookings WHERE exclusion_group_id = NEW.exclusion_group_id
                AND instrument_id <> NEW.instrument_id
                AND state IN {LIVE} AND id <> NEW.id AND starts_at < NEW.ends_at AND ends_at > NEW.starts_at);
        END"""


def _append_only_trigger(event: str) -> str:
    return f"""CREATE TRIGGER audit_entries_no_{event.lower()} BEFORE {event} ON audit_entries
        BEGIN SELECT RAISE(ABORT, 'audit_entries is append-only'); END"""


SQLITE = (
    _overlap_trigger("insert", "INSERT"),
    _overlap_trigger("update", "UPDATE OF state, instrument_id, unit, exclusion_group_id, starts_at, ends_at"),
    _append_only_trigger("UPDATE"),
    _append_only_trigger("DELETE"),
)


def upgrade() -> None:
    """Forward only."""
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)
