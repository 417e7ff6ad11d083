"""Tables of rounds, requests, plans and the booking ledger."""

from booking.content import Needs, WindowKind
from booking.models.ledger import Booking, BookingKind, CalendarKind, CalendarVersion
from booking.models.plans import Plan, PlanBlock
from booking.models.requests import (
    Feasibility,
    Lag,
    Part,
    PartAlternative,
    Request,
    RequestEvent,
    Review,
    Window,
)
from booking.models.rounds import Entitlement, Fairness, Round, RoundHold, RoundInstrument
from booking.models.work import PlanTask

__all__ = [
    "Booking",
    "BookingKind",
    "CalendarKind",
    "CalendarVersion",
    "Entitlement",
    "Fairness",
    "Feasibility",
    "Lag",
    "Needs",
    "Part",
    "PartAlternative",
    "Plan",
    "PlanBlock",
    "PlanTask",
    "Request",
    "RequestEvent",
    "Review",
    "Round",
    "RoundHold",
    "RoundInstrument",
    "Window",
    "WindowKind",
]
