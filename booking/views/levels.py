"""The levels of an approval as a page shows them: what is given and by whom, what is next and whose."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from booking.approvals import Course, Given, Level
from booking.queries import approvals as queries


@dataclass(frozen=True)
class LevelLine:
    """One level: given (by whom), next (whose it is) or later."""

    number: int
    name: str
    state: str
    """'given', 'next' or 'later'."""
    who: str


def names_in(session: Session, courses: Iterable[Course]) -> dict[UUID, str]:
    """The names of all who have given a level or are named for one; one statement."""
    wanted = {person for course in courses for person in course.hands | course.named}
    return dict(session.execute(queries.people(wanted)).all()) if wanted else {}


def level_lines(course: Course, names: Mapping[UUID, str]) -> list[LevelLine]:
    """The levels in order; without `names` nobody is named (for the holder, who knows the facility only)."""
    given = {one.level: one for one in course.given}
    return [
        LevelLine(
            level.number,
            level.name,
            "given" if level.number in given else "next" if level == course.next else "later",
            _giver(given[level.number], names) if level.number in given else _whose(level, names),
        )
        for level in course.levels
    ]


def _giver(one: Given, names: Mapping[UUID, str]) -> str:
    who = names.get(one.person_id) if one.person_id else None
    principal = names.get(one.for_id) if one.for_id else None
    if who and principal:
        return str(_("%(deputy)s for %(manager)s", deputy=who, manager=principal))
    return who or str(_("the facility"))


def _whose(level: Level, names: Mapping[UUID, str]) -> str:
    known = sorted(names[person] for person in level.people if person in names)
    if known:
        return ", ".join(known)
    return str(_("the facility")) if level.people else str(_("any manager"))
