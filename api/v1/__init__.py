"""Version 1 of the public JSON interface."""

from apiflask import APIBlueprint

from api.v1 import answers, availability, facilities

blueprint = APIBlueprint("api", __name__, url_prefix="/api/v1", enable_openapi=False)
blueprint.register_blueprint(facilities.blueprint)
blueprint.register_blueprint(availability.blueprint)
blueprint.record_once(answers.describe_errors)
blueprint.after_request(answers.conditional)
