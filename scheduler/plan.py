"""The plan `equora-plan/1`: blocks of time with their certificate."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from scheduler.reading import Node

SCHEMA = "equora-plan/1"


@dataclass(frozen=True)
class Block:
    """One unit of a resource held by a part for [start, start + length)."""

    request: str
    part: str
    resource: str
    unit: int
    start: int
    length: int

    @property
    def end(self) -> int:
        return self.start + self.length

    def order(self) -> tuple[str, str, int, str, int, int]:
        """The order of blocks in a plan."""
        return self.request, self.part, self.start, self.resource, self.unit, self.length


@dataclass(frozen=True)
class Plan:
    """Blocks in plan order, the hash of the problem they answer, and what proves them."""

    problem: str
    blocks: tuple[Block, ...]
    certificate: Mapping[str, object]

    def to_json(self) -> dict[str, object]:
        return {
            "schema": SCHEMA,
            "problem": self.problem,
            "blocks": [asdict(block) for block in self.blocks],
            "certificate": dict(self.certificate),
        }

    @classmethod
    def from_json(cls, value: object) -> "Plan":
        """Read a parsed plan; raises ProblemError with the path of the first malformed thing."""
        fields = Node(value).fields(("schema", "problem", "blocks", "certificate"))
        if fields["schema"].text() != SCHEMA:
            fields["schema"].refuse(f"must be {SCHEMA}")
        certificate = {key: node.value for key, node in fields["certificate"].entries().items()}
        return cls(fields["problem"].text(), tuple(map(read_block, fields["blocks"].items())), certificate)


def read_block(node: Node) -> Block:
    fields = node.fields(("request", "part", "resource", "unit", "start", "length"))
    return Block(
        request=fields["request"].text(),
        part=fields["part"].text(),
        resource=fields["resource"].text(),
        unit=fields["unit"].integer(),
        start=fields["start"].integer(),
        length=fields["length"].integer(1),
    )
