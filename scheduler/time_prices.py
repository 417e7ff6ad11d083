"""What a grain of time is worth by the prices of a certificate's bound: evidence for reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scheduler.bound_cells import by_cell, own_thing, thing_of
from scheduler.figures import exact
from scheduler.problem import Problem
from scheduler.reading import Node
from scheduler.values import Interval, Request


@dataclass(frozen=True)
class TimePrices:
    """Prices by thing and cell (value per grain), and what each member's cost-grain earns beside its merit.

    A request whose time costs more than it is worth is one that the prices leave out: within what the bound is off,
    others make more value or fairness of it.
    """

    cells: Sequence[int]
    time: Mapping[str, Sequence[float]]
    members: Mapping[str, float]

    @classmethod
    def of_proof(cls, proof: Mapping[str, object] | None) -> "TimePrices | None":
        """The prices by which a certificate bounds its value; None where it offers none."""
        if proof is None or not proof.get("value"):
            return None
        value = Node(proof["value"]).entries()
        time = {
            name: [row.number(float("inf")) for row in node.items()] for name, node in value["prices"].entries().items()
        }
        members = {name: node.number(float("inf")) for name, node in value["members"].entries().items()}
        return cls([node.integer() for node in Node(proof["cells"]).items()], time, members)

    def mean(self, problem: Problem, resource: str, spans: Sequence[Interval]) -> float:
        """The mean price of a grain of the resource inside the intervals."""
        row = problem.resource_by_id[resource]
        named = row.exclusive is not None
        shared, own = self.time.get(thing_of(row), ()), self.time.get(own_thing(resource), ()) if named else ()
        paid, grains = 0.0, 0
        for cell, count in by_cell(spans, self.cells):
            price = shared[cell] / (row.capacity if named else 1) if shared else 0.0
            paid += count * (price + (own[cell] if own else 0.0))
            grains += count
        return paid / grains if grains else 0.0

    def worth(self, problem: Problem, request: Request, resource: str) -> float:
        """What one grain of the request on the resource is worth: cost × (merit + what its members' shares earn)."""
        bonus = sum(self.members.get(member, 0.0) * float(exact(share)) for member, share in request.shares.items())
        return float(exact(problem.resource_by_id[resource].cost)) * (float(exact(request.merit)) + bonus)
