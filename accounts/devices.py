"""The browser somebody signs in with: a signed cookie that says it was used before, and a name to know it by."""

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from uuid import UUID

from flask import Request, Response
from itsdangerous import BadSignature, URLSafeTimedSerializer

from accounts.services.login import Origin
from core.config import installed
from core.tokens import new_token

LIFE_SECONDS = 365 * 24 * 3600
MOST_PEOPLE = 5
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True)
class Device:
    """A browser and the people who signed in with it, the latest first; without people it is not known yet."""

    id: str = ""
    person_ids: tuple[UUID, ...] = ()


def origin_of(request: Request) -> Origin:
    """Where a try to sign in comes from."""
    device = _device(request)
    return Origin(address=_network(request.remote_addr), device_id=device.id, person_ids=device.person_ids)


def remember(request: Request, response: Response, person_id: UUID) -> None:
    """Let the browser prove next time that this person signed in with it."""
    device = _device(request)
    people = (person_id, *(known for known in device.person_ids if known != person_id))[:MOST_PEOPLE]
    value = _signer().dumps({"id": device.id or new_token(), "people": [known.hex for known in people]})
    response.set_cookie(
        _cookie_name(),
        value,
        max_age=LIFE_SECONDS,
        path="/",
        secure=installed().https,
        httponly=True,
        samesite="Lax",
    )


def describe(user_agent: str) -> str:
    """'Firefox · Linux', as well as a user agent can be understood; '' when it cannot."""
    browser = next((name for sign, name in _BROWSERS if f"{sign}/" in user_agent), "")
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), "")
    return " · ".join(part for part in (browser, system) if part)


def _device(request: Request) -> Device:
    try:
        said = _signer().loads(request.cookies.get(_cookie_name(), ""), max_age=LIFE_SECONDS)
    except BadSignature:
        return Device()
    return Device(said["id"], tuple(UUID(hex=known) for known in said["people"]))


def _network(address: str | None) -> str:
    """IPv6 is counted by /64, the least that one subscriber has."""
    try:
        known = ip_address(address or "")
    except ValueError:
        return "unknown"
    return str(known) if known.version == 4 else str(ip_network((known, 64), strict=False))


def _cookie_name() -> str:
    return "__Host-equora-device" if installed().https else "equora-device"


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(installed().secret_key, salt="known device")
