"""Mails: asked for in a transaction, rendered and sent after it by the task engine, in the reader's language."""

import smtplib
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from core import clock, formats, outbox
from core.config import ROOT, Settings, installed
from core.db import Model, Tx, transaction
from core.i18n import DEFAULT_LANGUAGE, LANGUAGES, catalogue

KIND = "mail"
SMTP_SECONDS = 20


class Mail(Model):
    """A mail of an installation without a mail server: kept here and read on the outbox page."""

    __tablename__ = "mails"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    to: Mapped[str] = mapped_column(String(254), index=True)
    subject: Mapped[str] = mapped_column(String(500))
    body: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(2))
    sent_at: Mapped[datetime] = mapped_column(index=True)


def send(
    tx: Tx, *, key: str, to: str, language: str, template: str, values: dict[str, Any], at: datetime
) -> outbox.OutboxMessage:
    """Ask for one mail once the transaction is stored. The same `key` is never sent twice.

    `template` names templates/mail/<template>.txt; `values` are plain JSON values for its fixed placeholders.
    """
    payload = {"to": to, "language": language, "template": template, "values": values}
    return outbox.add(tx, KIND, key, payload, at)


def render(template: str, language: str, values: dict[str, Any]) -> tuple[str, str]:
    """Subject and text: the template's first line begins with 'Subject: ', an empty line, then the text."""
    chosen = language if language in LANGUAGES else DEFAULT_LANGUAGE
    text = _environment(chosen).get_template(f"{template}.txt").render(url=installed().public_url, **values)
    head, _, body = text.partition("\n")
    if not head.startswith("Subject: "):
        raise ValueError(f"templates/mail/{template}.txt does not begin with 'Subject: '")
    return head.removeprefix("Subject: ").strip(), body.strip() + "\n"


@cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(ROOT / "templates" / "mail"),
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - plain text, never HTML
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_translations(catalogue(language), newstyle=True)  # type: ignore[attr-defined]
    environment.filters.update(
        hours=lambda minutes: formats.hours(minutes, language),
        moment=lambda at, zone: formats.moment(datetime.fromisoformat(at), zone, language),
    )
    environment.globals["span"] = lambda start, end, zone: formats.span(
        datetime.fromisoformat(start), datetime.fromisoformat(end), zone, language
    )
    return environment


def deliver(message: outbox.OutboxMessage, _beat: Callable[[], None]) -> None:
    """Render the mail and hand it to the mail server, or keep it for the outbox page when there is none."""
    payload = message.payload
    subject, body = render(payload["template"], payload["language"], payload["values"])
    settings = installed()
    if settings.smtp_url:
        _post(settings, _compose(settings, message.key, payload["to"], subject, body))
        return
    with transaction() as tx:
        if tx.session.scalar(select(Mail.key).where(Mail.key == message.key)) is None:
            tx.session.add(
                Mail(
                    key=message.key,
                    to=payload["to"],
                    subject=subject[:500],
                    body=body,
                    language=payload["language"],
                    sent_at=clock.now(),
                )
            )


def _compose(settings: Settings, key: str, to: str, subject: str, body: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = settings.mail_from
    mail["To"] = to
    mail["Subject"] = subject
    mail["Date"] = format_datetime(clock.now())
    host = urlsplit(settings.public_url).hostname or "localhost"
    # The same mail always has the same id: a second delivery after a crash is recognised by mail programs.
    mail["Message-ID"] = f"<{key.replace(':', '.').replace('@', '-')}@{host}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(body)
    return mail


def _post(settings: Settings, mail: EmailMessage) -> None:
    """Send by smtp://[user:password@]host[:port] (STARTTLS when offered) or smtps://…"""
    target = urlsplit(settings.smtp_url or "")
    kind = smtplib.SMTP_SSL if target.scheme == "smtps" else smtplib.SMTP
    with kind(target.hostname or "localhost", target.port or 0, timeout=SMTP_SECONDS) as server:
        server.ehlo()
        if target.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls()
            server.ehlo()
        if target.username:
            server.login(unquote(target.username), unquote(target.password or ""))
        server.send_message(mail)
