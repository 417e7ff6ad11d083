"""Pages of login, invitations, passwords, people and organisations."""

from accounts.views import account, invitations, login, organisations, posts
from accounts.views.blueprint import blueprint

__all__ = ["account", "blueprint", "invitations", "login", "organisations", "posts"]
