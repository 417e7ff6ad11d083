"""The ledger's verbs: whoever holds, changes or frees time does it through these."""

from booking.services.ledger.admission import Wish, admit
from booking.services.ledger.approvals import approve, refuse
from booking.services.ledger.bookings import Order, book, book_together
from booking.services.ledger.cancelling import cancel, cancel_locked
from booking.services.ledger.closures import close
from booking.services.ledger.holding import RUNNING_KINDS, Claim, change_state, free_unit, hold, lock_instruments, touch

__all__ = [
    "RUNNING_KINDS",
    "Claim",
    "Order",
    "Wish",
    "admit",
    "approve",
    "book",
    "book_together",
    "cancel",
    "cancel_locked",
    "change_state",
    "close",
    "free_unit",
    "hold",
    "lock_instruments",
    "refuse",
    "touch",
]
