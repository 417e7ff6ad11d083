"""The blueprint that the files of this folder hang their pages on."""

from flask import Blueprint

from facilities.pages import CataloguePages

blueprint = Blueprint("facilities", __name__)
blueprint.record_once(lambda state: state.app.jinja_env.globals.update(catalogue=CataloguePages()))
