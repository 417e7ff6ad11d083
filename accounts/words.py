"""How roles and types of organisations are called on pages and in mails."""

from accounts.models import OrganisationType
from accounts.policy import Role
from core.i18n import N_

ROLES: dict[Role, str] = {
    Role.VISITOR: N_("Visitor"),
    Role.MEMBER: N_("Member"),
    Role.DELEGATE: N_("Delegate"),
    Role.REVIEWER: N_("Reviewer"),
    Role.MANAGER: N_("Manager"),
    Role.OFFICE: N_("Cluster office"),
}

TYPES: dict[OrganisationType, str] = {
    OrganisationType.UNIVERSITY: N_("University"),
    OrganisationType.HOSPITAL: N_("Hospital or IRCCS"),
    OrganisationType.PUBLIC_RESEARCH: N_("Public research body"),
    OrganisationType.SME: N_("Small or medium-sized company"),
    OrganisationType.COMPANY_LARGE: N_("Large company"),
    OrganisationType.PRIVATE_PROVIDER: N_("Private provider"),
    OrganisationType.ASSOCIATION: N_("Association"),
}

LANGUAGES: dict[str, str] = {"it": "Italiano", "en": "English"}
