"""Labels for instruments: a sheet with the QR code of the page that a phone opens in front of it."""

from io import BytesIO

import segno
from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from accounts.access import current_actor, signed_in
from booking.policy import use as policy
from booking.views.use import instrument_of
from core.config import installed
from facilities.models import Instrument

blueprint = Blueprint("labels", __name__)
SIZES = ("a6", "a5")


@blueprint.get("/facilities/<facility_slug>/<slug>/label")
@signed_in
def label(facility_slug: str, slug: str) -> ResponseReturnValue:
    """The sheet to print."""
    instrument = _labelled(facility_slug, slug)
    asked = request.args.get("size", SIZES[0])
    return render_template(
        "booking/use/label.html",
        instrument=instrument,
        facility=instrument.facility,
        address=_address(instrument),
        sizes=SIZES,
        size=asked if asked in SIZES else SIZES[0],
    )


@blueprint.get("/facilities/<facility_slug>/<slug>/label.svg")
@signed_in
def code(facility_slug: str, slug: str) -> ResponseReturnValue:
    """The QR code alone, as a file of its own: the content security policy wants no picture inside of a page."""
    drawn = BytesIO()
    made = segno.make(_address(_labelled(facility_slug, slug)), error="q", micro=False)
    made.save(drawn, kind="svg", scale=8, border=4, omitsize=True, xmldecl=False, svgclass=None, lineclass=None)
    return Response(drawn.getvalue(), mimetype="image/svg+xml")


def _labelled(facility_slug: str, slug: str) -> Instrument:
    instrument = instrument_of(facility_slug, slug)
    policy.may_print_label(current_actor(), instrument.facility_id).or_refuse()
    return instrument


def _address(instrument: Instrument) -> str:
    path = url_for("use.at", facility_slug=instrument.facility.slug, slug=instrument.slug)
    return installed().public_url + path
