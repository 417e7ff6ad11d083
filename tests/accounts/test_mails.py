"""What the accounts' mails say."""

from typing import Any

import pytest

from core.mail import render

VALUES: dict[str, dict[str, Any]] = {
    "invitation": {"token": "SECRET", "organisation": "Ente", "sender": "Anna", "role": "delegate", "days": 7},
    "password_reset": {"token": "SECRET", "name": "Anna"},
    "password_changed": {"name": "Anna"},
}


@pytest.mark.parametrize("language", ["it", "en"])
@pytest.mark.parametrize("template", VALUES)
def test_every_mail_can_be_written_in_both_languages(context: object, template: str, language: str) -> None:
    subject, body = render(template, language, VALUES[template])
    assert subject
    assert "\n" not in subject
    assert ("SECRET" in body) == ("token" in VALUES[template])
    assert "http://localhost/" in body


def test_a_name_cannot_write_another_line_into_the_head(context: object) -> None:
    values = {**VALUES["invitation"], "organisation": "Ente {{ token }} %(sender)s"}
    subject, _body = render("invitation", "en", values)
    assert subject == "Invitation to Ente {{ token }} %(sender)s on Equora"
