"""Approval in several levels: which one is next, whose it is, and who has had a hand in those before; plain values.

Each level takes another pair of eyes. So nobody gives two levels of one booking, neither by themselves nor through a
deputy; only who alone is named for a level gives it in any case, for else the booking could never be approved.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from accounts.policy import Role

MOST_LEVELS = 5


@dataclass(frozen=True)
class Level:
    """One of the approvals a booking needs; nobody named: it is any manager's of the facility."""

    number: int
    people: frozenset[UUID] = frozenset()
    name: str = ""


@dataclass(frozen=True)
class Given:
    """A level that was given: by whom and, by a deputy, for which manager."""

    level: int
    person_id: UUID | None
    for_id: UUID | None = None


@dataclass(frozen=True)
class Seat:
    """In whose right somebody decides: their own (`for_id` None), or that of the manager who made them deputy.

    `rank` is that of the right: manager of the facility, office, or None for who can only be named for a level.
    """

    person_id: UUID | None
    rank: Role | None
    for_id: UUID | None = None

    @property
    def right_of(self) -> UUID | None:
        """Whose right it is."""
        return self.for_id or self.person_id

    def gives(self, level: Level) -> bool:
        """Whether a level is this right's: of who is named for it, else of any manager; the office gives all."""
        if self.rank is Role.OFFICE or self.right_of in level.people:
            return True
        return self.rank is Role.MANAGER and not level.people

    def is_the_only_one(self, level: Level) -> bool:
        """Whether the person, in their own right, is the only one who is named for a level."""
        return self.for_id is None and level.people == {self.person_id}


@dataclass(frozen=True)
class Course:
    """The levels an instrument asks for, and those that one booking has."""

    levels: tuple[Level, ...] = (Level(1),)
    given: tuple[Given, ...] = ()

    @property
    def left(self) -> tuple[Level, ...]:
        """What is missing, in order."""
        done = {one.level for one in self.given}
        return tuple(level for level in self.levels if level.number not in done)

    @property
    def next(self) -> Level:
        """The level to give now; when the rules have dropped the rest meanwhile, one more that is any manager's."""
        last = max((one.level for one in self.given), default=0)
        return self.left[0] if self.left else Level(last + 1)

    @property
    def hands(self) -> frozenset[UUID]:
        """Everybody who has given a level, or for whom a deputy has."""
        both = (person for one in self.given for person in (one.person_id, one.for_id))
        return frozenset(person for person in both if person is not None)

    @property
    def named(self) -> frozenset[UUID]:
        """Everybody who is named for any level."""
        return frozenset().union(*(level.people for level in self.levels))

    def was_given_by(self, person_id: UUID | None, level: int | None) -> bool:
        """Whether this very person has given a level (None: any)."""
        return any(one.person_id == person_id and level in (None, one.level) for one in self.given)


def levels(count: int, named: Iterable[tuple[int, UUID, str]]) -> tuple[Level, ...]:
    """Levels 1 to `count`, with the people (level, person, name of the level) that an instrument's rows name."""
    rows = list(named)
    return tuple(
        Level(
            number,
            frozenset(person_id for level, person_id, _ in rows if level == number),
            next((name for level, _, name in rows if level == number and name), ""),
        )
        for number in range(1, count + 1)
    )
