"""The ledger's verbs: whoever holds, changes or frees time does it through these."""

from booking.services.ledger.admission import Wish, admit
from booking.services.ledger.approvals import approve, refuse
from booking.services.ledger.bookings import Order, book, book_together
from booking.services.ledger.cancelling import cancel, cancel_locked, is_charged, settle_late_cancellations
from booking.services.ledger.closures import close
from booking.services.ledger.holding import RUNNING_KINDS, Claim, change_state, free_unit, hold, lock_instruments, touch
from booking.services.ledger.moving import check_may_move, move, move_locked, tell_moved
from booking.services.ledger.shares import charge

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
    "charge",
    "check_may_move",
    "close",
    "free_unit",
    "hold",
    "is_charged",
    "lock_instruments",
    "move",
    "move_locked",
    "refuse",
    "settle_late_cancellations",
    "tell_moved",
    "touch",
]
