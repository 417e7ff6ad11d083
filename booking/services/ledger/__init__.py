"""The ledger's verbs: whoever holds, changes or frees time does it through these."""

from booking.services.ledger.admission import Wish, admit
from booking.services.ledger.approvals import Decision, Result, Wanted, approve, decide_each, refuse
from booking.services.ledger.bookings import Order, book, book_together
from booking.services.ledger.cancelling import cancel, cancel_locked, is_charged, settle_late_cancellations
from booking.services.ledger.closures import Closing, close, close_over
from booking.services.ledger.common import free_until
from booking.services.ledger.handing import hand_over
from booking.services.ledger.holding import RUNNING_KINDS, Claim, change_state, free_unit, hold, lock_instruments, touch
from booking.services.ledger.moving import answer_to_move, check_may_move, move, move_locked, tell_moved
from booking.services.ledger.shares import charge
from booking.services.ledger.swapping import accept_swap, decline_swap, expire_swaps, offer_swap, withdraw_swap

__all__ = [
    "RUNNING_KINDS",
    "Claim",
    "Closing",
    "Decision",
    "Order",
    "Result",
    "Wanted",
    "Wish",
    "accept_swap",
    "admit",
    "answer_to_move",
    "approve",
    "book",
    "book_together",
    "cancel",
    "cancel_locked",
    "change_state",
    "charge",
    "check_may_move",
    "close",
    "close_over",
    "decide_each",
    "decline_swap",
    "expire_swaps",
    "free_unit",
    "free_until",
    "hand_over",
    "hold",
    "is_charged",
    "lock_instruments",
    "move",
    "move_locked",
    "offer_swap",
    "refuse",
    "settle_late_cancellations",
    "tell_moved",
    "touch",
    "withdraw_swap",
]
