"""What people send about trouble at an instrument: a report, a manager's answer."""

from flask_babel import lazy_gettext
from wtforms import HiddenField

from booking.forms.fields import Prose, WholeNumberField
from core.forms import Form, new_key


class TroubleForm(Form):
    """What went wrong."""

    text = Prose(lazy_gettext("What happened?"))
    lost_minutes = WholeNumberField(lazy_gettext("Minutes lost"))
    key = HiddenField(default=new_key)


class AnswerForm(Form):
    """A manager's answer, with or without a credit."""

    minutes = WholeNumberField(lazy_gettext("Minutes to credit"))
    answer = Prose(lazy_gettext("Answer"))
