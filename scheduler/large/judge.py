"""What a step of the search is judged by: one number for a plan in the making, for each policy."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scheduler.large.grid import Grid
from scheduler.values import Fairness

DEEP = 0.5
"""Below half of a target what is lacking counts three times."""
ABOVE, BELOW = 2.0, 1.5
"""Of the best value of a cost-grain: what one costs that a group holds above its cap, or lacks of its floor."""
LEAST = 1e-3
"""Of a target: where a member's logarithm ends, so that having nothing stays a number."""


class Judge:
    """Value, less a penalty for what each member lacks of a target (cost-grains).

    The penalties only steer: which plan is better is decided by the policy's own order of goals (`quick.rank`).
    """

    def __init__(self, grid: Grid, targets: Sequence[float], penalties: Sequence[float]) -> None:
        self.targets = list(targets)
        self.penalties = list(penalties)
        self.is_welfare = grid.problem.policy.fairness is Fairness.PROPORTIONAL
        self.groups = groups_of(grid) if grid.problem.policy.fairness is Fairness.QUOTA else ()
        costs = [part.worth / part.cost for part in grid.parts if part.cost]
        self.dearest = max(costs, default=0.0)

    def lack(self, member: int, held: float) -> float:
        """The penalty of a member that holds so much."""
        target = self.targets[member]
        if target <= 0 or held >= target:
            return 0.0
        penalty = self.penalties[member]
        if self.is_welfare:
            return -penalty * math.log(max(LEAST, held / target))
        short = 1 - held / target
        return penalty * (short + 2 * (short - DEEP) if short > DEEP else short)

    def astray(self, held: Sequence[float]) -> float:
        """Policy `quota`: the penalty for what groups hold above their caps and lack of their floors."""
        if not self.groups:
            return 0.0
        total, found = sum(held), 0.0
        for group in self.groups:
            own = sum(held[member] for member in group.members)
            found += ABOVE * max(0.0, own - group.cap * total) + BELOW * max(0.0, group.floor * total - own)
        return self.dearest * found


@dataclass(frozen=True)
class Group:
    """Members by place, with their floor and cap as fractions of all that is served."""

    members: tuple[int, ...]
    floor: float
    cap: float


def lower_to_caps(grid: Grid, targets: list[float]) -> None:
    """Targets that all groups could reach together: those of a group sink until its cap of the whole holds them."""
    for group in groups_of(grid):
        own = sum(targets[member] for member in group.members)
        rest = sum(targets) - own
        if group.cap < 1 and own * (1 - group.cap) > rest * group.cap:
            factor = rest * group.cap / (1 - group.cap) / own
            for member in group.members:
                targets[member] *= factor


def groups_of(grid: Grid) -> tuple[Group, ...]:
    place = {member: number for number, member in enumerate(grid.members)}
    return tuple(
        Group(tuple(place[member] for member in row.members), row.floor, row.cap) for row in grid.problem.policy.quotas
    )
