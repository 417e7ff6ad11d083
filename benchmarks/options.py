"""What a benchmark is asked for on the command line."""

from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.runs import Journal


@dataclass(frozen=True)
class Options:
    """`seeds` are 1 to this number; `only` names what the benchmark has several of, empty = the usual ones.

    `quick` is for trying whether all works: smaller problems, shorter limits, one seed. `plots` is where plots go.
    """

    quick: bool = False
    seeds: int = 5
    only: tuple[str, ...] = ()
    workers: int = 1
    plots: Path | None = None
    journal: Journal = field(default_factory=lambda: Journal(None))

    def seed_range(self) -> range:
        return range(1, 2 if self.quick else self.seeds + 1)
