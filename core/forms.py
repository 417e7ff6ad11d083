"""The base of all forms: a refusal of a service is shown beside the fields it speaks of."""

from flask_babel import gettext
from flask_wtf import FlaskForm
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its type stubs

from core.errors import Refusal
from core.tokens import new_token


class Form(FlaskForm):
    """A form with a CSRF token."""

    def show(self, refusal: Refusal, otherwise: str = "") -> bool:
        """Put the refusal's sentences beside their fields, or its own sentence beside the field `otherwise`.

        False when it speaks of no field of this form.
        """
        sentences = refusal.fields or {otherwise: refusal.message}
        known = {name: sentence for name, sentence in sentences.items() if name in self}
        for name, sentence in known.items():
            self[name].errors = [*self[name].errors, gettext(sentence, **refusal.values)]
        return bool(known)


def new_key() -> str:
    """The default of a form's hidden `key`: the same form sent twice makes one thing."""
    return new_token()


def choice(value: str, label: object) -> SelectChoice:
    """One option of a select field."""
    return SelectChoice(value, label)
