"""Tables of rounds, requests, plans, the booking ledger and everyday booking."""

from booking.content import Needs, WindowKind
from booking.models.everyday import (
    Approval,
    ApprovalLevel,
    BookingSeries,
    Deputy,
    Quota,
    ShareEntry,
    ShareKind,
    Swap,
    SwapState,
    Trouble,
    TroubleState,
    Waiting,
    WaitState,
)
from booking.models.ledger import LONG, Booking, BookingKind, CalendarKind, CalendarVersion
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
from booking.quotas import Measure, Period, QuotaOf

__all__ = [
    "LONG",
    "Approval",
    "ApprovalLevel",
    "Booking",
    "BookingKind",
    "BookingSeries",
    "CalendarKind",
    "CalendarVersion",
    "Deputy",
    "Entitlement",
    "Fairness",
    "Feasibility",
    "Lag",
    "Measure",
    "Needs",
    "Part",
    "PartAlternative",
    "Period",
    "Plan",
    "PlanBlock",
    "PlanTask",
    "Quota",
    "QuotaOf",
    "Request",
    "RequestEvent",
    "Review",
    "Round",
    "RoundHold",
    "RoundInstrument",
    "ShareEntry",
    "ShareKind",
    "Swap",
    "SwapState",
    "Trouble",
    "TroubleState",
    "WaitState",
    "Waiting",
    "Window",
    "WindowKind",
]
