"""The cluster office keeps the list of organisations."""

from datetime import datetime
from uuid import UUID

from accounts import policy, queries
from accounts.content import OrganisationContent
from accounts.identifiers import ror_from, slug_from
from accounts.models import Organisation
from accounts.policy import Actor
from core import audit, idempotency
from core.db import Tx, transaction
from core.errors import Invalid
from core.i18n import N_

LONGEST_NAME = 200


def create_organisation(content: OrganisationContent, actor: Actor, now: datetime, key: str = "") -> UUID:
    """Enter an organisation; Invalid when its name is taken or its ROR id has a typing mistake."""
    with transaction() as tx:
        policy.may_create_organisation(actor).or_refuse()
        if actor.person_id and (made := idempotency.made_before(tx, actor.person_id, key, "create_organisation")):
            return made
        tx.alone("names of organisations")
        organisation = Organisation(slug=_free_slug(tx, content), demo=content.demo)
        _fill(tx, organisation, content)
        tx.session.add(organisation)
        audit.record(tx, actor.person_id, "create_organisation", organisation, now, detail={"name": content.name})
        if actor.person_id:
            idempotency.remember(tx, actor.person_id, key, "create_organisation", organisation.id, now)
        return organisation.id


def change_organisation(organisation_id: UUID, content: OrganisationContent, actor: Actor, now: datetime) -> None:
    """Say anew what is said of an organisation; its address (slug) stays, so that links to it live."""
    with transaction() as tx:
        tx.alone("names of organisations")
        organisation = tx.lock(queries.organisation(organisation_id))
        policy.may_change_organisation(actor).or_refuse()
        _fill(tx, organisation, content)
        audit.record(tx, actor.person_id, "change_organisation", organisation, now, detail={"name": content.name})


def _fill(tx: Tx, organisation: Organisation, content: OrganisationContent) -> None:
    name = " ".join(content.name.split())
    if not 2 <= len(name) <= LONGEST_NAME:
        raise Invalid(fields={"name": N_("Please give a name of 2 to 200 characters.")})
    namesake = tx.session.scalars(queries.organisation_named(name)).first()
    if namesake is not None and namesake is not organisation:
        raise Invalid(fields={"name": N_("There is already an organisation of this name.")})
    ror = ror_from(content.ror)
    organisation.name = name
    organisation.short_name = content.short_name.strip()[:12]
    organisation.type = content.type
    organisation.ror_confirmed = ror is not None and content.ror_confirmed
    organisation.ror = ror
    organisation.city = content.city.strip()[:80]
    organisation.province = content.province.strip().upper()[:8]
    organisation.is_member = content.is_member


def _free_slug(tx: Tx, content: OrganisationContent) -> str:
    wanted = slug_from(content.slug or content.name)
    slug, number = wanted, 1
    while tx.session.scalars(queries.organisation_by_slug(slug)).first() is not None:
        number += 1
        slug = f"{wanted}-{number}"
    return slug
