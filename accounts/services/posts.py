"""Who works for which facility; the cluster office appoints."""

from datetime import datetime
from uuid import UUID

from accounts import policy, queries
from accounts.models import Post
from accounts.policy import Actor, Role
from core import audit
from core.db import transaction


def appoint(person_id: UUID, facility_id: UUID, role: Role, actor: Actor, now: datetime) -> UUID:
    """Make a person manager or reviewer of a facility; somebody who has a post there changes to this one."""
    with transaction() as tx:
        policy.may_appoint(actor, role).or_refuse()
        tx.one(queries.facility_id(facility_id))
        tx.lock(queries.person(person_id))  # two of these at once make one post
        post = tx.session.scalars(queries.post(person_id, facility_id)).one_or_none()
        if post is None:
            post = Post(person_id=person_id, facility_id=facility_id, role=role, since=now)
            tx.session.add(post)
        post.role = role
        detail = {"person_id": str(person_id), "facility_id": str(facility_id), "role": role.value}
        audit.record(tx, actor.person_id, "appoint", post, now, detail=detail)
        return post.id


def dismiss(person_id: UUID, facility_id: UUID, actor: Actor, now: datetime) -> None:
    """End a post: its rights are gone with the person's next request."""
    with transaction() as tx:
        policy.may_dismiss(actor).or_refuse()
        post = tx.lock(queries.post(person_id, facility_id))
        detail = {"person_id": str(person_id), "facility_id": str(facility_id)}
        audit.record(tx, actor.person_id, "dismiss", post, now, detail=detail)
        tx.session.delete(post)
