"""What tests of accounts need besides the common factories."""

import re
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import select

from accounts import passwords
from accounts.models import Organisation, Person
from accounts.policy import Role
from core.db import db
from core.outbox import OutboxMessage
from tests.factories import a_member, a_person
from tests.support import Browser, browser

PASSWORD = "correct horse battery"
_HASH = passwords.hash_of(PASSWORD)


def an_account(**values: Any) -> Person:
    """A person who can sign in with PASSWORD."""
    return a_person(**{"password_hash": _HASH, **values})


def a_delegate(organisation: Organisation, **values: Any) -> Person:
    """A delegate who can sign in with PASSWORD."""
    return a_member(organisation, Role.DELEGATE, password_hash=_HASH, **values)


def sign_in(visitor: Browser, email: str, password: str = PASSWORD, **data: Any) -> Any:
    """Send the sign-in form."""
    answer = visitor.post_form("/login", {"email": email, "password": password, **data})
    if answer.status_code == 303:
        renew_token(visitor)
    return answer


def renew_token(visitor: Browser) -> None:
    """Read the CSRF token of the present session from a page, as a browser does."""
    page = visitor.get("/account").get_data(as_text=True)
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found is not None
    visitor.csrf = found[1]


def is_signed_in(visitor: Browser) -> bool:
    """Whether the browser's session counts."""
    return visitor.get("/account").status_code == 200


def session_cookie(visitor: Browser) -> str:
    """The session's key as the browser sends it."""
    cookie = visitor.get_cookie("equora")
    return cookie.value if cookie else ""


def with_cookie(app: Flask, key: str) -> Browser:
    """Another browser with a copied session cookie."""
    other = browser(app)
    other.set_cookie("equora", key, domain="localhost")
    return other


def mails(template: str) -> list[dict[str, Any]]:
    """What was asked to be mailed with this template, oldest first."""
    db.session.rollback()  # else we would still see what was there at our last look
    rows = db.session.scalars(
        select(OutboxMessage).where(OutboxMessage.kind == "mail").order_by(OutboxMessage.created_at)
    )
    return [row.payload for row in rows if row.payload.get("template") == template]


def token_of(template: str) -> str:
    """The secret in the last mail with this template."""
    return str(mails(template)[-1]["values"]["token"])


def fresh(person_id: UUID) -> Person:
    """The account as it is in the database now."""
    db.session.rollback()
    known = select(Person).where(Person.id == person_id).execution_options(populate_existing=True)
    return db.session.scalars(known).one()
