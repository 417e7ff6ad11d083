"""What can go wrong between a problem and its plan, each with a stable code."""


class SchedulerError(Exception):
    """A problem that gets no plan: `path` points into the problem, `message` says why."""

    code = "failed"

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path
        self.message = message


class ProblemError(SchedulerError):
    """The problem is malformed and was refused before any work was done."""

    code = "refused"


class Infeasible(SchedulerError):
    """The problem is well formed, but no legal plan exists."""

    code = "infeasible"


class Cancelled(SchedulerError):
    """The caller cancelled before the first verified plan."""

    code = "cancelled"


class Unfinished(SchedulerError):
    """The limit came, or the worker ended, before the first verified plan."""

    code = "unfinished"
