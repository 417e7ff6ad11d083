"""The shape of what people type about themselves and their organisations."""

from collections.abc import Callable

from flask_babel import gettext, lazy_gettext
from wtforms import BooleanField, EmailField, Field, HiddenField, PasswordField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from accounts import words
from accounts.identifiers import orcid_from, ror_from
from accounts.models import OrganisationType
from accounts.policy import Role
from core.errors import Invalid
from core.forms import Form, choice, new_key

_ = lazy_gettext
A_NAME = Length(min=2, max=200, message=_("Please give a name of 2 to 200 characters."))
REQUIRED = InputRequired(_("Please fill in this field."))
ROLES_IN_AN_ORGANISATION = [choice(role.value, _(words.ROLES[role])) for role in (Role.MEMBER, Role.DELEGATE)]
ROLES_AT_A_FACILITY = [choice(role.value, _(words.ROLES[role])) for role in (Role.REVIEWER, Role.MANAGER)]
TYPES = [choice(kind.value, _(words.TYPES[kind])) for kind in OrganisationType]
LANGUAGES = [choice(code, name) for code, name in words.LANGUAGES.items()]


class Checked:
    """A validator that lets a reading function of `identifiers` speak; its refusal is shown beside the field."""

    def __init__(self, read: Callable[[str], str | None]) -> None:
        self.read = read

    def __call__(self, _form: Form, field: Field) -> None:
        """Refuse what cannot be read."""
        try:
            self.read(field.data or "")
        except Invalid as refusal:
            raise ValidationError(gettext(*refusal.fields.values())) from None


class LoginForm(Form):
    """Address and password; whatever is typed gets the same answer."""

    email = EmailField(_("E-mail address"), [REQUIRED], render_kw={"autocomplete": "username"})
    password = PasswordField(_("Password"), [REQUIRED], render_kw={"autocomplete": "current-password"})
    next = HiddenField()


class ResetForm(Form):
    """Whose password was forgotten."""

    email = EmailField(_("E-mail address"), [REQUIRED, Length(max=254)], render_kw={"autocomplete": "username"})


class NewPasswordForm(Form):
    """A new password."""

    password = PasswordField(_("New password"), [REQUIRED], render_kw={"autocomplete": "new-password"})


class ChangePasswordForm(Form):
    """A new password, by somebody who knows the present one."""

    old = PasswordField(_("Present password"), [REQUIRED], render_kw={"autocomplete": "current-password"})
    new = PasswordField(_("New password"), [REQUIRED], render_kw={"autocomplete": "new-password"})


class ProfileForm(Form):
    """What a person says of themselves."""

    name = StringField(_("Name"), [REQUIRED, A_NAME], render_kw={"autocomplete": "name"})
    language = SelectField(_("Language of mails and pages"), choices=LANGUAGES)
    orcid = StringField("ORCID iD", [Optional(), Checked(orcid_from)], render_kw={"spellcheck": "false"})


class JoinForm(Form):
    """The first words of somebody who was invited."""

    name = StringField(_("Your name"), [REQUIRED, A_NAME], render_kw={"autocomplete": "name"})
    language = SelectField(_("Language of mails and pages"), choices=LANGUAGES)
    password = PasswordField(_("Choose a password"), [REQUIRED], render_kw={"autocomplete": "new-password"})


class InviteForm(Form):
    """Whom to invite, and as what."""

    email = EmailField(_("E-mail address"), [REQUIRED, Length(max=254)], render_kw={"autocomplete": "off"})
    role = SelectField(_("Role"), choices=ROLES_IN_AN_ORGANISATION)
    key = HiddenField(default=new_key)


class RoleForm(Form):
    """Which role somebody is given in an organisation."""

    role = SelectField(_("Role"), choices=ROLES_IN_AN_ORGANISATION)


class OrganisationForm(Form):
    """What the cluster office says of an organisation."""

    name = StringField(_("Name"), [REQUIRED, A_NAME])
    short_name = StringField(_("Short name"), [Optional(), Length(max=12)])
    type = SelectField(_("Type"), choices=TYPES)
    ror = StringField("ROR", [Optional(), Checked(ror_from)], render_kw={"spellcheck": "false"})
    ror_confirmed = BooleanField(_("The ROR id was confirmed by the organisation"))
    city = StringField(_("City"), [Optional(), Length(max=80)])
    province = StringField(_("Province"), [Optional(), Length(max=8)])
    is_member = BooleanField(_("Member of the cluster"), default=True)
    key = HiddenField(default=new_key)


class PostForm(Form):
    """Who works for which facility, and as what."""

    email = EmailField(
        _("E-mail address of the account"), [REQUIRED, Length(max=254)], render_kw={"autocomplete": "off"}
    )
    facility = SelectField(_("Facility"))
    role = SelectField(_("Role"), choices=ROLES_AT_A_FACILITY)
