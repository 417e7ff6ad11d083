"""Who acts for which organisation."""

from datetime import datetime
from uuid import UUID

from accounts import policy, queries
from accounts.models import Membership
from accounts.policy import Actor, Role
from core import audit
from core.db import Tx, transaction


def add_membership(person_id: UUID, organisation_id: UUID, role: Role, actor: Actor, now: datetime) -> UUID:
    """Let a person act for an organisation; somebody who already does keeps the higher of the two roles."""
    with transaction() as tx:
        policy.may_add_membership(actor).or_refuse()
        tx.one(queries.organisation(organisation_id))
        membership = join(tx, person_id, organisation_id, role, now)
        audit.record(tx, actor.person_id, "add_membership", membership, now, detail={"role": role.value})
        return membership.id


def join(tx: Tx, person_id: UUID, organisation_id: UUID, role: Role, now: datetime) -> Membership:
    """The membership, made or raised to `role`; never lowered."""
    tx.lock(queries.person(person_id))  # two of these at once make one membership
    membership = tx.session.scalars(queries.membership(person_id, organisation_id)).one_or_none()
    if membership is None:
        membership = Membership(person_id=person_id, organisation_id=organisation_id, role=role, since=now)
        tx.session.add(membership)
    elif role is Role.DELEGATE:
        membership.role = role
    return membership


def change_membership(person_id: UUID, organisation_id: UUID, role: Role, actor: Actor, now: datetime) -> None:
    """Make a member a delegate, or a delegate a member."""
    with transaction() as tx:
        policy.may_change_membership(actor, organisation_id, role).or_refuse()
        membership = tx.lock(queries.membership(person_id, organisation_id))
        membership.role = role
        audit.record(tx, actor.person_id, "change_membership", membership, now, detail={"role": role.value})


def remove_membership(person_id: UUID, organisation_id: UUID, actor: Actor, now: datetime) -> None:
    """End a membership: whatever it gave the right to is refused from the person's next request on."""
    with transaction() as tx:
        policy.may_remove_membership(actor, organisation_id, person_id).or_refuse()
        membership = tx.lock(queries.membership(person_id, organisation_id))
        detail = {"person_id": str(person_id), "organisation_id": str(organisation_id)}
        audit.record(tx, actor.person_id, "remove_membership", membership, now, detail=detail)
        tx.session.delete(membership)
