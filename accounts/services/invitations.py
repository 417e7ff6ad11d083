"""Invitations: single-use links that make whoever holds one a member or delegate of an organisation."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from accounts import passwords, policy, queries
from accounts.identifiers import email_from
from accounts.models import Invitation, Organisation, Person
from accounts.policy import Actor, Role
from accounts.services import memberships, people
from core import audit, idempotency, mail
from core.db import Tx, transaction
from core.errors import Conflict, Forbidden, Invalid, NotFound
from core.i18n import N_
from core.tokens import hashed, new_token

LIFE = timedelta(days=7)
MOST_PENDING = 100


def invite(organisation_id: UUID, email: str, role: Role, actor: Actor, now: datetime, key: str = "") -> UUID:
    """Send somebody a link into an organisation; an older link to the same address no longer counts.

    Invalid for a bad address or somebody who is there already; Conflict when too many invitations are pending.
    """
    with transaction() as tx:
        policy.may_invite(actor, organisation_id, role).or_refuse()
        if actor.person_id is None:
            raise Forbidden  # an invitation says who invites
        if made := idempotency.made_before(tx, actor.person_id, key, "invite"):
            return made
        organisation = tx.lock(queries.organisation(organisation_id))
        address = email_from(email)
        known = tx.session.scalars(queries.person_by_email(address)).one_or_none()
        _refuse_needless(tx, known, organisation_id, role)
        _make_room(tx, organisation_id, address, now)
        token = new_token()
        invitation = Invitation(
            token_hash=hashed(token),
            email=address,
            organisation_id=organisation_id,
            role=role,
            invited_by_id=actor.person_id,
            created_at=now,
            expires_at=now + LIFE,
        )
        tx.session.add(invitation)
        audit.record(tx, actor.person_id, "invite", invitation, now, detail={"role": role.value})
        idempotency.remember(tx, actor.person_id, key, "invite", invitation.id, now)
        _send(tx, invitation, organisation, token, known.language if known else actor.language, actor.name)
        return invitation.id


def revoke_invitation(invitation_id: UUID, actor: Actor, now: datetime) -> None:
    """Take a pending invitation back: its link is dead at once."""
    with transaction() as tx:
        invitation = tx.lock(queries.invitation(invitation_id))
        policy.may_revoke_invitation(actor, invitation.organisation_id).or_refuse()
        if invitation.used_at is not None or invitation.expires_at <= now:
            raise Conflict(N_("This invitation is no longer pending."))
        invitation.expires_at = now
        audit.record(tx, actor.person_id, "revoke_invitation", invitation, now)


def accept_invitation(token: str, actor: Actor, now: datetime) -> UUID:
    """Bind the invitation to the person who is signed in; gives the organisation's id.

    NotFound for any link that does not count: unknown, used, expired, taken back, or its sender lost the right.
    """
    with transaction() as tx:
        policy.may_accept_invitation(actor).or_refuse()
        invitation = _usable(tx, token, now)
        if actor.person_id is None:
            raise Forbidden(policy.SIGN_IN.reason)
        _use(tx, invitation, actor.person_id, now)
        return invitation.organisation_id


def join_by_invitation(token: str, name: str, password: str, language: str, now: datetime) -> UUID:
    """Make an account for the invited address and bind the invitation to it; gives the new person's id."""
    password_hash = passwords.hash_of(password)
    with transaction() as tx:
        invitation = _usable(tx, token, now)
        passwords.check_strength(password, invitation.email)
        person = people.enter(tx, invitation.email, name, password_hash, language, now)
        tx.session.flush()
        audit.record(tx, person.id, "create_person", person, now)
        _use(tx, invitation, person.id, now)
        return person.id


def _usable(tx: Tx, token: str, now: datetime) -> Invitation:
    invitation = tx.lock(queries.invitation_open(token, now))
    sender = queries.actor_of(tx.session, invitation.invited_by_id)
    if not policy.may_invite(sender, invitation.organisation_id, invitation.role):
        raise NotFound
    return invitation


def _use(tx: Tx, invitation: Invitation, person_id: UUID, now: datetime) -> None:
    invitation.used_at, invitation.used_by_id = now, person_id
    memberships.join(tx, person_id, invitation.organisation_id, invitation.role, now)
    audit.record(tx, person_id, "accept_invitation", invitation, now, detail={"role": invitation.role.value})


def _refuse_needless(tx: Tx, person: Person | None, organisation_id: UUID, role: Role) -> None:
    if person is None:
        return
    membership = tx.session.scalars(queries.membership(person.id, organisation_id)).one_or_none()
    if membership is not None and membership.role in (role, Role.DELEGATE):
        raise Invalid(fields={"email": N_("This person belongs to the organisation already.")})


def _make_room(tx: Tx, organisation_id: UUID, address: str, now: datetime) -> None:
    pending = queries.invitations_pending(organisation_id, now)
    for older in tx.session.scalars(pending.where(Invitation.email == address)):
        older.expires_at = now
    tx.session.flush()
    count = tx.session.scalar(select(func.count()).select_from(pending.order_by(None).subquery()))
    if (count or 0) >= MOST_PENDING:
        raise Conflict(N_("There are too many pending invitations. Please take some back first."))


def _send(tx: Tx, invitation: Invitation, organisation: Organisation, token: str, language: str, sender: str) -> None:
    mail.send(
        tx,
        key=f"invitation:{invitation.id}",
        to=invitation.email,
        language=language,
        template="invitation",
        values={
            "token": token,
            "organisation": organisation.name,
            "sender": sender,
            "role": invitation.role.value,
            "days": LIFE.days,
        },
        at=invitation.created_at,
    )
