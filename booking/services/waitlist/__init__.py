"""The waitlist's verbs: join, leave, answer an offer; and the work that offers what has become free."""

from booking.services.waitlist.answering import accept, decline, leave
from booking.services.waitlist.joining import Window, join
from booking.services.waitlist.offering import lapse, offer_freed

__all__ = ["Window", "accept", "decline", "join", "lapse", "leave", "offer_freed"]
