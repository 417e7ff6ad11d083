"""The verbs of people, organisations and what binds them."""

from accounts.services.memberships import add_membership, change_membership, remove_membership
from accounts.services.organisations import change_organisation, create_organisation
from accounts.services.people import change_profile, create_person
from accounts.services.posts import appoint, dismiss

__all__ = [
    "add_membership",
    "appoint",
    "change_membership",
    "change_organisation",
    "change_profile",
    "create_organisation",
    "create_person",
    "dismiss",
    "remove_membership",
]
