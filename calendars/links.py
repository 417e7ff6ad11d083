"""The ways to hand a feed's address to a calendar program: links of the large ones, and a picture for phones."""

from dataclasses import dataclass
from urllib.parse import urlencode

import segno
from markupsafe import Markup


@dataclass(frozen=True)
class Links:
    """One feed's address in every form; each of them is as secret as the feed."""

    address: str
    webcal: str
    google: str
    outlook: str
    office: str


def links_to(address: str, name: str) -> Links:
    """All links to the feed at `address` (http or https)."""
    webcal = "webcal://" + address.partition("://")[2]
    adding = urlencode({"url": address, "name": name})
    return Links(
        address=address,
        webcal=webcal,
        google="https://calendar.google.com/calendar/r?" + urlencode({"cid": webcal}),
        outlook=f"https://outlook.live.com/calendar/0/addfromweb?{adding}",
        office=f"https://outlook.office.com/calendar/0/addfromweb?{adding}",
    )


def qr_code(text: str) -> Markup:
    """A QR code as inline SVG without style attributes or scripts, so that the content security policy holds."""
    code = segno.make(text, error="m", micro=False)
    return Markup(code.svg_inline(scale=4, border=4, omitsize=True, svgclass="qr", lineclass=None))  # noqa: S704
