"""People, organisations, memberships, roles, login."""
