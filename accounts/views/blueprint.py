"""The blueprint that the files of this folder hang their pages on."""

from flask import Blueprint

from accounts import words

blueprint = Blueprint("accounts", __name__)


@blueprint.app_context_processor
def _words() -> dict[str, object]:
    """Templates say `_(role_names[role])` and `_(type_names[type])`."""
    return {"role_names": words.ROLES, "type_names": words.TYPES}
