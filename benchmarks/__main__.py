"""`./dev bench [--record] [NAME …]`: run all benchmarks or the named ones; --record keeps all results in RESULTS.md."""

import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import allocation, feed
from benchmarks.comparison import Table

RESULTS = Path(__file__).parent / "RESULTS.md"
BENCHMARKS: dict[str, Callable[[], Table]] = {"allocation": allocation.run, "feed": feed.run}
HEAD = """\
# What we measured

Made by `./dev bench --record`. Each benchmark runs the two things it compares on the same machine, one after the other,
and the ratio is the result: it says the same on a slower machine. Change something that matters here, and record anew
in the same commit.
"""


def main(arguments: list[str]) -> int:
    """Run what is asked for and print it."""
    record = "--record" in arguments
    names = [argument for argument in arguments if argument != "--record"] or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown or (record and len(names) < len(BENCHMARKS)):
        print(f"{__doc__}\nBenchmarks: {', '.join(BENCHMARKS)}; --record needs all of them.", file=sys.stderr)
        return 2
    load = os.getloadavg()[0]
    sections = []
    for name in names:
        sections.append(BENCHMARKS[name]().markdown())
        print(f"{sections[-1]}\n", flush=True)
    if record:
        machine = (
            f"Last run with Python {platform.python_version()} on {platform.machine()}, {os.cpu_count()} cores, "
            f"load {load:.1f} before the run; command: `./dev bench --record`.\n"
        )
        RESULTS.write_text("\n".join([HEAD, machine, *(f"{section}\n" for section in sections)]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
