"""Everyday booking: rules, quotas, qualifications, duties, approvals, series, swaps, the waitlist, use; buffers in the guard.

What the database guards becomes [held_from, held_until): the booked time with its buffers around it.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

LIVE = "('tentative', 'confirmed')"
SERIES = "fk_bookings_series_id"

POSTGRESQL = (
    "ALTER TABLE bookings ADD COLUMN held_from TIMESTAMP WITH TIME ZONE",
    "ALTER TABLE bookings ADD COLUMN held_until TIMESTAMP WITH TIME ZONE",
    "UPDATE bookings SET held_from = starts_at, held_until = ends_at",
    "ALTER TABLE bookings ALTER COLUMN held_from SET NOT NULL",
    "ALTER TABLE bookings ALTER COLUMN held_until SET NOT NULL",
    "ALTER TABLE bookings ADD CONSTRAINT ck_bookings_held CHECK (held_from <= starts_at AND ends_at <= held_until)",
    "ALTER TABLE bookings ADD COLUMN is_long BOOLEAN NOT NULL DEFAULT FALSE",
    "UPDATE bookings SET is_long = held_until - held_from > INTERVAL '168 hours'",
    """ALTER TABLE bookings ADD CONSTRAINT ck_bookings_is_long
        CHECK (is_long = (held_until - held_from > INTERVAL '168 hours'))""",
    "CREATE INDEX ix_bookings_long ON bookings (instrument_id, held_until) WHERE is_long",
    "CREATE INDEX ix_bookings_long_group ON bookings (exclusion_group_id, held_until) WHERE is_long",
    f"ALTER TABLE bookings ADD COLUMN series_id UUID CONSTRAINT {SERIES} REFERENCES booking_series (id)",
    "ALTER TABLE bookings DROP CONSTRAINT bookings_no_overlap",
    "ALTER TABLE bookings DROP CONSTRAINT bookings_exclusive",
    f"""ALTER TABLE bookings ADD CONSTRAINT bookings_no_overlap EXCLUDE USING gist
        (instrument_id WITH =, unit WITH =, tstzrange(held_from, held_until) WITH &&) WHERE (state IN {LIVE})""",
    f"""ALTER TABLE bookings ADD CONSTRAINT bookings_exclusive EXCLUDE USING gist
        (exclusion_group_id WITH =, instrument_id WITH <>, tstzrange(held_from, held_until) WITH &&)
        WHERE (state IN {LIVE} AND exclusion_group_id IS NOT NULL)""",
)


def _touches(column: str, long: str, rest: str) -> str:
    """Whether a live booking touches the new one: a short one that begins at most a week before it, or a long one."""
    common = f"{column} = NEW.{column} AND {rest} AND state IN {LIVE} AND id <> NEW.id"
    return f"""EXISTS (SELECT 1 FROM bookings WHERE {common} AND held_from > datetime(NEW.held_from, '-8 days')
                AND held_from < NEW.held_until AND held_until > NEW.held_from)
            OR EXISTS (SELECT 1 FROM bookings INDEXED BY {long} WHERE {common} AND is_long = 1
                AND held_until > NEW.held_from AND held_from < NEW.held_until)"""


def _guard(name: str, event: str) -> str:
    """Both guards, and the check that SQLite cannot add to a table: a booking's buffers lie around it."""
    return f"""CREATE TRIGGER bookings_no_overlap_{name} BEFORE {event} ON bookings
        WHEN NEW.state IN {LIVE}
        BEGIN
            SELECT RAISE(ABORT, 'ck_bookings_held')
                WHERE NEW.held_from = '' OR NEW.held_from > NEW.starts_at OR NEW.held_until < NEW.ends_at;
            SELECT RAISE(ABORT, 'ck_bookings_is_long')
                WHERE NEW.is_long <> (julianday(NEW.held_until) - julianday(NEW.held_from) > 7.000001);
            SELECT RAISE(ABORT, 'bookings_no_overlap') WHERE {_touches("instrument_id", "ix_bookings_long", "unit = NEW.unit")};
            SELECT RAISE(ABORT, 'bookings_exclusive') WHERE NEW.exclusion_group_id IS NOT NULL
                AND ({_touches("exclusion_group_id", "ix_bookings_long_group", "instrument_id <> NEW.instrument_id")});
        END"""


SQLITE = (
    "DROP TRIGGER bookings_no_overlap_insert",
    "DROP TRIGGER bookings_no_overlap_update",
    "ALTER TABLE bookings ADD COLUMN held_from DATETIME NOT NULL DEFAULT ''",
    "ALTER TABLE bookings ADD COLUMN held_until DATETIME NOT NULL DEFAULT ''",
    "UPDATE bookings SET held_from = starts_at, held_until = ends_at",
    "ALTER TABLE bookings ADD COLUMN is_long BOOLEAN NOT NULL DEFAULT 0",
    "UPDATE bookings SET is_long = julianday(held_until) - julianday(held_from) > 7.000001",
    "CREATE INDEX ix_bookings_long ON bookings (instrument_id, held_until) WHERE is_long = 1",
    "CREATE INDEX ix_bookings_long_group ON bookings (exclusion_group_id, held_until) WHERE is_long = 1",
    f"ALTER TABLE bookings ADD COLUMN series_id CHAR(32) CONSTRAINT {SERIES} REFERENCES booking_series (id)",
    _guard("insert", "INSERT"),
    _guard(
        "update", "UPDATE OF state, instrument_id, unit, exclusion_group_id, starts_at, ends_at, held_from, held_until, is_long"
    ),
)


def upgrade() -> None:
    """Forward only."""
    _make_tables()
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)
    for column in _rest():
        op.add_column("bookings", column)
    op.drop_index("ix_bookings_instrument_time", "bookings")
    op.drop_index("ix_bookings_group_time", "bookings")
    op.create_index("ix_bookings_instrument_time", "bookings", ["instrument_id", "held_from"])
    op.create_index("ix_bookings_group_time", "bookings", ["exclusion_group_id", "held_from"])
    op.create_index("ix_bookings_bundle", "bookings", ["bundle_id"])
    op.create_index("ix_bookings_series", "bookings", ["series_id", "starts_at"])
    op.create_index("ix_bookings_start", "bookings", ["starts_at"])
    op.drop_index("ix_bookings_person_time", "bookings")
    op.create_index("ix_bookings_person_time", "bookings", ["person_id", "ends_at", "state"])



def _rest() -> list[sa.Column[Any]]:
    return [
        sa.Column("series_day", sa.Date(), nullable=True),
        sa.Column("bundle_id", sa.Uuid(), nullable=True),
        sa.Column("is_assisted", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("checked_in_at", core.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("checked_out_at", core.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("no_show_at", core.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("booked_until", core.db.UtcDateTime(timezone=True), nullable=True),
    ]


def _make_tables() -> None:
    op.create_table(
        "absences",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", core.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ends_at", core.db.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_absences_order")),
        sa.ForeignKeyConstraint(["facility_id"], ["facilities.id"], name=op.f("fk_absences_facility_id")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_absences_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absences")),
    )
    op.create_index("ix_absences_facility", "absences", ["facility_id", "ends_at"], unique=False)
    op.create_table(
        "deputies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("manager_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", core.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ends_at", core.db.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_deputies_order")),
        sa.ForeignKeyConstraint(["facility_id"], ["facilities.id"], name=op.f("fk_deputies_facility_id")),
        sa.ForeignKeyConstraint(["manager_id"], ["persons.id"], name=op.f("fk_deputies_manager_id")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_deputies_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deputies")),
    )
    op.create_index("ix_deputies_facility", "deputies", ["facility_id"], unique=False)
    op.create_index("ix_deputies_person", "deputies", ["person_id", "ends_at"], unique=False)
    op.create_table(
        "duties",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("start_minute", sa.Integer(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("until_day", sa.Date(), nullable=True),
        sa.CheckConstraint("minutes BETWEEN 1 AND 1440", name=op.f("ck_duties_length")),
        sa.CheckConstraint("start_minute BETWEEN 0 AND 1439", name=op.f("ck_duties_start_in_the_day")),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_duties_weekday_monday_is_0")),
        sa.ForeignKeyConstraint(["facility_id"], ["facilities.id"], name=op.f("fk_duties_facility_id")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_duties_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duties")),
    )
    op.create_index(op.f("ix_duties_facility_id"), "duties", ["facility_id"], unique=False)
    op.create_table(
        "qualifications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_it", sa.String(length=200), nullable=False),
        sa.Column("valid_days", sa.Integer(), nullable=True),
        sa.Column("unused_days", sa.Integer(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("unused_days IS NULL OR unused_days >= 1", name=op.f("ck_qualifications_unused")),
        sa.CheckConstraint("valid_days IS NULL OR valid_days >= 1", name=op.f("ck_qualifications_valid")),
        sa.ForeignKeyConstraint(["facility_id"], ["facilities.id"], name=op.f("fk_qualifications_facility_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_qualifications")),
        sa.UniqueConstraint("facility_id", "slug", name=op.f("uq_qualifications_facility_id_slug")),
    )
    op.create_table(
        "qualification_grants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("qualification_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("granted_at", core.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("granted_by_id", sa.Uuid(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("last_used_at", core.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", core.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["granted_by_id"], ["persons.id"], name=op.f("fk_qualification_grants_granted_by_id")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_qualification_grants_person_id")),
        sa.ForeignKeyConstraint(
            ["qualification_id"], ["qualifications.id"], name=op.f("fk_qualification_grants_qualification_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_qualification_grants")),
        sa.UniqueConstraint(
            "qualification_id", "person_id", name=op.f("uq_qualification_grants_qualification_id_person_id")
        ),
    )
    op.create_index("ix_qualification_grants_person", "qualification_grants", ["person_id"], unique=False)
    op.create_table(
        "approval_levels",
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.CheckConstraint("level BETWEEN 1 AND 5", name=op.f("ck_approval_levels_level")),
        sa.ForeignKeyConstraint(["instrument_id"], ["instruments.id"], name=op.f("fk_approval_levels_instrument_id")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_approval_levels_person_id")),
        sa.PrimaryKeyConstraint("instrument_id", "level", "person_id", name=op.f("pk_approval_levels")),
    )
    op.create_index(op.f("ix_approval_levels_person_id"), "approval_levels", ["person_id"], unique=False)
    op.create_table(
        "booking_series",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("pattern", sa.JSON(), nullable=False),
        sa.Column("created_at", core.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("changed_at", core.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["instrument_id"], ["instruments.id"], name=op.f("fk_booking_series_instrument_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_booking_series_organisation_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_booking_series_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_series")),
    )
    op.create_index(op.f("ix_booking_series_instrument_id"), "booking_series", ["instrument_id"], unique=False)
    op.create_index(op.f("ix_booking_series_person_id"), "booking_series", ["person_id"], unique=False)
    op.create_table(
        "instrument_qualifications",
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("qualification_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instrument_id"], ["instruments.id"], name=op.f("fk_instrument_qualifications_instrument_id")
        ),
        sa.ForeignKeyConstraint(
            ["qualification_id"], ["qualifications.id"], name=op.f("fk_instrument_qualifications_qualification_id")
        ),
        sa.PrimaryKeyConstraint("instrument_id", "qualification_id", name=op.f("pk_instrument_qualifications")),
    )
    op.create_index(
        op.f("ix_instrument_qualifications_qualification_id"),
        "instrument_qualifications",
        ["qualification_id"],
        unique=False,
    )
    op.create_table(
        "instrument_rules",
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("lead_minutes", sa.Integer(), nullable=False),
        sa.Column("horizon_days", sa.Integer(), nullable=False),
        sa.Column("buffer_before", sa.Integer(), nullable=False),
        sa.Column("buffer_after", sa.Integer(), nullable=False),
        sa.Column("allows_overnight", sa.Boolean(), nullable=False),
        sa.Column("allows_several_days", sa.Boolean(), nullable=False),
        sa.Column("free_cancel_minutes", sa.Integer(), nullable=False),
        sa.Column("last_minute_minutes", sa.Integer(), nullable=False),
        sa.Column("no_show_minutes", sa.Integer(), nullable=True),
        sa.Column(
            "assistance",
            sa.Enum(
                "none", "optional", "required", name="assistance", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("approval_levels", sa.Integer(), nullable=False),
        sa.Column("opens_leftover", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", core.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("changed_by_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("approval_levels BETWEEN 1 AND 5", name=op.f("ck_instrument_rules_levels")),
        sa.CheckConstraint("buffer_after BETWEEN 0 AND 1440", name=op.f("ck_instrument_rules_after")),
        sa.CheckConstraint("buffer_before BETWEEN 0 AND 1440", name=op.f("ck_instrument_rules_before")),
        sa.CheckConstraint("horizon_days BETWEEN 1 AND 731", name=op.f("ck_instrument_rules_horizon")),
        sa.CheckConstraint("lead_minutes BETWEEN 0 AND 525600", name=op.f("ck_instrument_rules_lead")),
        sa.CheckConstraint(
            "no_show_minutes IS NULL OR no_show_minutes BETWEEN 5 AND 1440", name=op.f("ck_instrument_rules_no_show")
        ),
        sa.ForeignKeyConstraint(["changed_by_id"], ["persons.id"], name=op.f("fk_instrument_rules_changed_by_id")),
        sa.ForeignKeyConstraint(["instrument_id"], ["instruments.id"], name=op.f("fk_instrument_rules_instrument_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["instruments.id"], name=op.f("fk_instrument_rules_parent_id")),
        sa.PrimaryKeyConstraint("instrument_id", name=op.f("pk_instrument_rules")),
    )
    op.create_index(op.f("ix_instrument_rules_parent_id"), "instrument_rules", ["parent_id"], unique=False)
    op.create_table(
        "quotas",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=True),
        sa.Column(
            "of",
            sa.Enum("person", "organisation", name="quota_of", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "measure",
            sa.Enum(
                "minutes",
                "bookings",
                "open_bookings",
                name="quota_measure",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "period",
            sa.Enum(
                "day",
                "week",
                "month",
                "year",
                name="quota_period",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("prime_weekdays", sa.Integer(), nullable=False),
        sa.Column("prime_from", sa.Integer(), nullable=False),
        sa.Column("prime_until", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", core.db.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("most >= 0", name=op.f("ck_quotas_most")),
        sa.CheckConstraint(
            "prime_from >= 0 AND prime_from < prime_until AND prime_until <= 1440", name=op.f("ck_quotas_prime")
        ),
        sa.CheckConstraint("prime_weekdays BETWEEN 0 AND 127", name=op.f("ck_quotas_weekdays")),
        sa.ForeignKeyConstraint(["facility_id"], ["facilities.id"], name=op.f("fk_quotas_facility_id")),
        sa.ForeignKeyConstraint(["instrument_id"], ["instruments.id"], name=op.f("fk_quotas_instrument_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quotas")),
    )
    op.create_index("ix_quotas_facility", "quotas", ["facility_id"], unique=False)
    op.create_index(op.f("ix_quotas_instrument_id"), "quotas", ["instrument_id"], unique=False)
    op.create_table(
        "approvals",
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("for_id", sa.Uuid(), nullable=True),
        sa.Column("at", core.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("fk_approvals_booking_id")),
        sa.ForeignKeyConstraint(["for_id"], ["persons.id"], name=op.f("fk_approvals_for_id")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_approvals_person_id")),
        sa.PrimaryKeyConstraint("booking_id", "level", name=op.f("pk_approvals")),
    )
    op.create_table(
        "share_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "used",
                "no_show",
                "late_cancellation",
                "credited",
                name="share_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("booked_minutes", sa.Integer(), nullable=False),
        sa.Column("used_minutes", sa.Integer(), nullable=False),
        sa.Column("charged_minutes", sa.Integer(), nullable=False),
        sa.Column("at", core.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("fk_share_entries_booking_id")),
        sa.ForeignKeyConstraint(["facility_id"], ["facilities.id"], name=op.f("fk_share_entries_facility_id")),
        sa.ForeignKeyConstraint(["instrument_id"], ["instruments.id"], name=op.f("fk_share_entries_instrument_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_share_entries_organisation_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_share_entries_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share_entries")),
        sa.UniqueConstraint("booking_id", "kind", name=op.f("uq_share_entries_booking_id_kind")),
    )
    op.create_index("ix_share_entries_facility", "share_entries", ["facility_id", "at"], unique=False)
    op.create_index("ix_share_entries_organisation", "share_entries", ["organisation_id", "at"], unique=False)
    op.create_table(
        "swaps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("offered_id", sa.Uuid(), nullable=False),
        sa.Column("wanted_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "offered",
                "accepted",
                "declined",
                "withdrawn",
                "expired",
                name="swap_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("message", sa.String(length=200), nullable=False),
        sa.Column("created_at", core.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", core.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("decided_at", core.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["offered_id"], ["bookings.id"], name=op.f("fk_swaps_offered_id")),
        sa.ForeignKeyConstraint(["wanted_id"], ["bookings.id"], name=op.f("fk_swaps_wanted_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_swaps")),
    )
    op.create_index("ix_swaps_offered", "swaps", ["offered_id"], unique=False)
    op.create_index("ix_swaps_wanted", "swaps", ["wanted_id"], unique=False)
    op.create_table(
        "troubles",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("lost_minutes", sa.Integer(), nullable=False),
        sa.Column("credited_minutes", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "reported",
                "credited",
                "closed",
                name="trouble_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("answer", sa.String(length=400), nullable=False),
        sa.Column("created_at", core.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("decided_at", core.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("lost_minutes >= 0 AND credited_minutes >= 0", name=op.f("ck_troubles_minutes")),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("fk_troubles_booking_id")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["persons.id"], name=op.f("fk_troubles_decided_by_id")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_troubles_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_troubles")),
    )
    op.create_index("ix_troubles_booking", "troubles", ["booking_id"], unique=False)
    op.create_index("ix_troubles_state", "troubles", ["state", "created_at"], unique=False)
    op.create_table(
        "waitlist",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", core.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ends_at", core.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "offered",
                "booked",
                "left",
                "lapsed",
                name="wait_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("booking_id", sa.Uuid(), nullable=True),
        sa.Column("offered_until", core.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("declined", sa.JSON(), nullable=False),
        sa.Column("created_at", core.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("changed_at", core.db.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("minutes >= 1", name=op.f("ck_waitlist_minutes")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_waitlist_order")),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("fk_waitlist_booking_id")),
        sa.ForeignKeyConstraint(["instrument_id"], ["instruments.id"], name=op.f("fk_waitlist_instrument_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_waitlist_organisation_id")),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_waitlist_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waitlist")),
    )
    op.create_index("ix_waitlist_instrument", "waitlist", ["instrument_id", "state", "ends_at"], unique=False)
    op.create_index("ix_waitlist_offered", "waitlist", ["state", "offered_until"], unique=False)
    op.create_index("ix_waitlist_person", "waitlist", ["person_id", "state"], unique=False)
