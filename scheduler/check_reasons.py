"""Derives the reasons of a certificate again, and asks whether what it calls free is free."""

from collections.abc import Iterator, Mapping

from scheduler.figures import exact
from scheduler.greedy import held_at
from scheduler.nearest import MOST_CHOICES, Nearby
from scheduler.placements import Placement
from scheduler.plan import Block, Plan
from scheduler.problem import Problem
from scheduler.reading import Node
from scheduler.reasons import reasons
from scheduler.rules import Violation

TOLERANCE = 2e-6
PRICED = {"price", "worth"}
OPEN_CODE = "bottleneck"
"""What the plan alone shows; how serving the request would cost somebody needs a solver, and is not checked."""


def false_reasons(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Every reason that does not follow from the plan; for a certificate whose figures hold."""
    nodes = {key: Node(item, f"certificate.{key}") for key, item in plan.certificate.items()}
    shares = {
        member: exact(node.entries()["T"].number(float("inf"))) for member, node in nodes["members"].entries().items()
    }
    proof = plan.certificate.get("bound_proof")
    derived = reasons(problem, plan.blocks, shares, proof if isinstance(proof, dict) else None)
    choices = Choices(problem, plan)
    for request, node in nodes["refusals"].entries().items():
        yield from unlike(node, derived[request])
        if "nearest" in node.entries():
            yield from choices.wrong(request, node.entries()["nearest"])


def unlike(node: Node, derived: Mapping[str, object]) -> Iterator[Violation]:
    """Where one reason differs from what the plan shows."""
    claimed = node.entries()
    code, evidence = claimed["code"].text(), claimed["evidence"].entries()
    if derived["code"] not in (code, OPEN_CODE):
        yield Violation("refusals", claimed["code"].path, f"claims {code}, is {derived['code']}")
    if not same(claimed["parts"].value, derived["parts"]):
        yield Violation("refusals", claimed["parts"].path, "is not what the plan serves")
    shown = derived["evidence"]
    for key, value in shown.items() if isinstance(shown, dict) else ():
        if key not in evidence or not same(evidence[key].value, value):
            yield Violation("refusals", f"{claimed['evidence'].path}.{key}", "is not what the plan shows")


def same(claimed: object, found: object) -> bool:
    """Equal but for rounding; prices may be left out."""
    if isinstance(found, dict):
        if not isinstance(claimed, dict) or set(found) - set(claimed) - PRICED or set(claimed) - set(found):
            return False
        return all(same(value, found[key]) for key, value in claimed.items())
    if isinstance(found, list):
        return isinstance(claimed, list) and len(claimed) == len(found) and all(map(same, claimed, found))
    if isinstance(found, float):
        is_number = isinstance(claimed, (int, float)) and not isinstance(claimed, bool)
        return is_number and abs(float(str(claimed)) - found) <= TOLERANCE * max(1.0, abs(found))
    return claimed == found and type(claimed) is type(found)


class Choices:
    """The plan on a board, beside which the blocks of a choice must be free."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.problem = problem
        self.blocks: tuple[Block, ...] = plan.blocks
        self.board: Nearby | None = None

    def wrong(self, request: str, node: Node) -> Iterator[Violation]:
        """Rows that are no possible blocks of the request, or not free beside the plan and their own choice."""
        if self.board is None:
            self.board = Nearby(self.problem, self.blocks)
        before = 0
        for item in node.items():
            choice, placement = self.read(request, item)
            if not before <= choice <= before + 1:
                item.refuse("choices are numbered in order")
            if choice > before:
                self.board.state.undo()
            before = choice
            if not self.board.place(held_at(self.board.grid, placement)):
                yield Violation("refusals", item.path, "is not free beside the plan")
        self.board.state.undo()

    def read(self, request: str, item: Node) -> tuple[int, Placement]:
        row = item.fields(("choice", "part", "resource", "start", "length"))
        part, resource = row["part"].text(), row["resource"].text()
        if part not in self.problem.request_by_id[request].part_by_id:
            row["part"].refuse("names no part of the request")
        if resource not in self.problem.resource_by_id:
            row["resource"].refuse("names no resource of this problem")
        start, length = row["start"].integer(0, self.problem.grains), row["length"].integer(1, self.problem.grains)
        return row["choice"].integer(1, MOST_CHOICES), Placement(request, part, resource, start, length)
