"""What is said of an organisation, as plain values."""

from dataclasses import dataclass

from accounts.models import OrganisationType


@dataclass(frozen=True)
class OrganisationContent:
    """Everything that may be said when an organisation is created or changed; `slug` is made from the name if empty."""

    name: str
    type: OrganisationType | None
    short_name: str = ""
    ror: str = ""
    ror_confirmed: bool = False
    city: str = ""
    province: str = ""
    is_member: bool = True
    slug: str = ""
    demo: bool = False
