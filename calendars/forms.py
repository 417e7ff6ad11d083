"""Shape of the subscribe form."""

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, SelectChoice, StringField  # type: ignore[attr-defined]  # newer than stubs
from wtforms.validators import DataRequired, Length

from calendars.policy import Detail


class SubscribeForm(FlaskForm):
    """Name, detail level and language of a new calendar address."""

    key = HiddenField(validators=[Length(max=64)])
    name = StringField(_("Name"), validators=[DataRequired(_("Please give the calendar a name.")), Length(max=120)])
    detail = RadioField(
        _("What it shows"),
        choices=[
            SelectChoice(Detail.BUSY.value, _("Busy times only")),
            SelectChoice(Detail.TITLE.value, _("Titles")),
            SelectChoice(Detail.FULL.value, _("Everything you may read")),
        ],
        default=Detail.TITLE.value,
    )
    language = RadioField(
        _("Language of the entries"), choices=[SelectChoice("it", "Italiano"), SelectChoice("en", "English")]
    )
