"""The rules about shared things: units, capacity with side use, exclusive names and changeover."""

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from scheduler import rules
from scheduler.figures import exact, served
from scheduler.lanes import changeover_conflicts, has_changeover, lane_of, peak
from scheduler.rules import Draft, Violation
from scheduler.values import Fairness, Resource

if TYPE_CHECKING:
    from scheduler.plan import Block


def units_do_not_overlap(draft: Draft) -> Iterator[Violation]:
    """Each block has its unit for itself."""
    rows = sorted(draft.blocks, key=lambda block: (block.resource, block.unit, block.start))
    for (resource, unit), group in groupby(rows, key=lambda block: (block.resource, block.unit)):
        end = 0
        for block in group:
            if block.start < end:
                yield Violation("unit", f"{resource}/{unit}", f"is held twice at grain {block.start}")
            end = max(end, block.end)


def capacity_holds(draft: Draft) -> Iterator[Violation]:
    """Blocks and side use together never take more units than there are."""
    uses: dict[str, list[tuple[int, int, int]]] = {}
    for block in draft.blocks:
        uses.setdefault(block.resource, []).append((block.start, block.end, 1))
        for side in draft.part_of(block).side:
            uses.setdefault(side.resource, []).append((block.start, block.end, side.units))
    for name, rows in uses.items():
        highest, grain = peak(rows)
        if highest > draft.problem.resource_by_id[name].capacity:
            yield Violation("capacity", name, f"{highest} units are in use at grain {grain}")


def exclusive_names_hold(draft: Draft) -> Iterator[Violation]:
    """Two resources of one exclusive name never run at once; side use does not count."""
    groups: dict[str, list[Block]] = {}
    for block in draft.blocks:
        name = draft.problem.resource_by_id[block.resource].exclusive
        if name is not None:
            groups.setdefault(name, []).append(block)
    for name, blocks in groups.items():
        ends: dict[str, int] = {}
        for block in sorted(blocks, key=lambda row: row.start):
            if any(end > block.start for resource, end in ends.items() if resource != block.resource):
                yield Violation("exclusive", name, f"two resources run at grain {block.start}")
            ends[block.resource] = max(ends.get(block.resource, 0), block.end)


def changeovers_hold(draft: Draft) -> Iterator[Violation]:
    """Consecutive configured blocks of a lane leave the grains their changeover needs."""
    lanes: dict[tuple[str, ...], list[tuple[Block, str]]] = {}
    tables: dict[tuple[str, ...], Resource] = {}
    for block in draft.blocks:
        resource, configuration = draft.problem.resource_by_id[block.resource], draft.part_of(block).configuration
        if configuration is not None and has_changeover(resource):
            lane = lane_of(resource, block.unit)
            lanes.setdefault(lane, []).append((block, configuration))
            tables[lane] = resource
    for lane, rows in lanes.items():
        for one, other in changeover_conflicts(rows, tables[lane].changeover):
            where = "/".join(lane[1:])
            yield Violation("changeover", where, f"too little time between grains {one.end} and {other.start}")


def quota_caps_hold(draft: Draft) -> Iterator[Violation]:
    """Policy `quota`: a group never holds more than its cap of all served cost-grains."""
    if draft.problem.policy.fairness is not Fairness.QUOTA:
        return
    held = served(draft.problem, draft.blocks)
    total = sum(held.values())
    for row in draft.problem.policy.quotas:
        if sum(held[member] for member in row.members) > exact(row.cap) * total:
            yield Violation("quota", row.name, "holds more than its cap")


RULES: tuple[Callable[[Draft], Iterator[Violation]], ...] = (
    rules.blocks_are_sorted,
    rules.alternatives_hold,
    rules.lengths_hold,
    rules.windows_hold,
    rules.resources_are_open,
    rules.starts_hold,
    rules.nothing_new_starts_early,
    rules.frozen_blocks_stay,
    rules.nothing_forbidden,
    rules.pins_hold,
    rules.amounts_hold,
    rules.leasts_hold,
    rules.needs_hold,
    rules.gaps_hold,
    rules.lags_hold,
    rules.requests_do_not_overlap_themselves,
    units_do_not_overlap,
    capacity_holds,
    exclusive_names_hold,
    changeovers_hold,
    quota_caps_hold,
)


def broken_rules(draft: Draft) -> list[Violation]:
    """Every broken rule of a draft; unknown names end the examination early."""
    unknown = list(rules.names_exist(draft))
    return unknown or [violation for rule in RULES for violation in rule(draft)]
