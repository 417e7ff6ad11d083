"""Expected refusals: each has an HTTP status, a stable code and a sentence that can be translated."""

from collections.abc import Mapping
from typing import ClassVar

from core.i18n import N_


class Refusal(Exception):
    """A verb that may not or cannot be done; nothing was changed.

    `message` is an English msgid with named placeholders filled from `values` after translation;
    `code` is stable for programs; `fields` maps a form field to the msgid shown beside it; `retry_after` says
    after how many seconds trying again may help.
    """

    status: ClassVar[int] = 400
    default_code: ClassVar[str] = "refused"
    default_message: ClassVar[str] = N_("This cannot be done.")
    retry_after: int | None = None

    def __init__(
        self,
        message: str | None = None,
        *,
        code: str | None = None,
        fields: Mapping[str, str] | None = None,
        **values: object,
    ) -> None:
        self.message = message or self.default_message
        self.code = code or self.default_code
        self.fields = dict(fields or {})
        self.values = values
        super().__init__(self.message % values if values else self.message)


class Invalid(Refusal):
    """The input has a wrong shape or value."""

    status = 422
    default_code = "invalid"
    default_message = N_("Please check the marked fields.")


class Forbidden(Refusal):
    """The thing may be known of, the act is not allowed."""

    status = 403
    default_code = "forbidden"
    default_message = N_("You are not allowed to do this.")


class NotFound(Refusal):
    """The thing does not exist, or the actor may not know that it does."""

    status = 404
    default_code = "not_found"
    default_message = N_("There is no such page, or you may not see it.")


class Conflict(Refusal):
    """The thing has changed or is taken; looking again helps."""

    status = 409
    default_code = "conflict"
    default_message = N_("Somebody else changed this in the meantime. Please look again.")


class Busy(Refusal):
    """The database or queue cannot answer now; trying again later helps."""

    status = 503
    default_code = "busy"
    default_message = N_("The service is busy. Please try again in a moment.")
    retry_after = 2


class TooMany(Refusal):
    """Tried too often; waiting helps."""

    status = 429
    default_code = "too_many"
    default_message = N_("Too many tries. Please wait a while.")
