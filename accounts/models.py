"""Tables of people, organisations and what binds them."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.policy import Role
from core.db import Model, enum_of, primary_key


class OrganisationType(StrEnum):
    """What kind of member an organisation is."""

    UNIVERSITY = "university"
    HOSPITAL = "hospital"
    PUBLIC_RESEARCH = "public_research"
    SME = "sme"
    COMPANY_LARGE = "company_large"
    PRIVATE_PROVIDER = "private_provider"
    ASSOCIATION = "association"


class Organisation(Model):
    """A member of the cluster, or one that runs a facility."""

    __tablename__ = "organisations"

    id: Mapped[UUID] = primary_key()
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    short_name: Mapped[str] = mapped_column(String(12), default="")
    type: Mapped[OrganisationType | None] = mapped_column(enum_of(OrganisationType, "organisation_type"))
    ror: Mapped[str | None] = mapped_column(String(40))
    ror_confirmed: Mapped[bool] = mapped_column(default=False)
    city: Mapped[str] = mapped_column(String(80), default="")
    province: Mapped[str] = mapped_column(String(8), default="")
    is_member: Mapped[bool] = mapped_column(default=False)
    demo: Mapped[bool] = mapped_column(default=False)

    memberships: Mapped[list["Membership"]] = relationship(back_populates="organisation")


class Person(Model):
    """An account. `password_hash` is empty until the person chose a password."""

    __tablename__ = "persons"

    id: Mapped[UUID] = primary_key()
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    password_hash: Mapped[str] = mapped_column(String(200), default="")
    language: Mapped[str] = mapped_column(String(2), default="it")
    orcid: Mapped[str | None] = mapped_column(String(19))
    is_active: Mapped[bool] = mapped_column(default=True)
    is_office: Mapped[bool] = mapped_column(default=False)
    demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]

    memberships: Mapped[list["Membership"]] = relationship(back_populates="person")
    posts: Mapped[list["Post"]] = relationship(back_populates="person")


class Membership(Model):
    """A person acts for an organisation, as member or delegate."""

    __tablename__ = "memberships"
    __table_args__ = (
        UniqueConstraint("person_id", "organisation_id"),
        CheckConstraint("role IN ('member', 'delegate')", name="role_in_an_organisation"),
        Index("ix_memberships_organisation", "organisation_id"),
    )

    id: Mapped[UUID] = primary_key()
    person_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    role: Mapped[Role] = mapped_column(enum_of(Role, "role"))
    since: Mapped[datetime]

    person: Mapped[Person] = relationship(back_populates="memberships")
    organisation: Mapped[Organisation] = relationship(back_populates="memberships")


class Post(Model):
    """A person works for a facility, as reviewer or manager."""

    __tablename__ = "posts"
    __table_args__ = (
        UniqueConstraint("person_id", "facility_id"),
        CheckConstraint("role IN ('reviewer', 'manager')", name="role_at_a_facility"),
        Index("ix_posts_facility", "facility_id"),
    )

    id: Mapped[UUID] = primary_key()
    person_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"))
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"))
    role: Mapped[Role] = mapped_column(enum_of(Role, "role"))
    since: Mapped[datetime]

    person: Mapped[Person] = relationship(back_populates="posts")


class Invitation(Model):
    """A single-use link that makes whoever accepts it a member or delegate; only its hash is kept."""

    __tablename__ = "invitations"
    __table_args__ = (CheckConstraint("role IN ('member', 'delegate')", name="role_in_an_organisation"),)

    id: Mapped[UUID] = primary_key()
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    email: Mapped[str] = mapped_column(String(254))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    role: Mapped[Role] = mapped_column(enum_of(Role, "role"))
    invited_by_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    used_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("persons.id"))

    organisation: Mapped[Organisation] = relationship()


class PasswordReset(Model):
    """A single-use link to choose a new password; only its hash is kept."""

    __tablename__ = "password_resets"

    id: Mapped[UUID] = primary_key()
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("persons.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class LoginAttempt(Model):
    """A wrong guess, kept for an hour to slow further ones; shared by all web processes."""

    __tablename__ = "login_attempts"
    __table_args__ = (
        Index("ix_login_attempts_account", "account_hash", "at"),
        Index("ix_login_attempts_address", "address_hash", "at"),
    )

    id: Mapped[UUID] = primary_key()
    account_hash: Mapped[str] = mapped_column(String(64))
    address_hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
