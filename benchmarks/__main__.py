"""`./dev bench [OPTIONS] [NAME …]`: run the named benchmarks, or the short ones; --record writes RESULTS.md."""

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import allocation, engine, feed, growth, repair, scale, timeline, web, weighted, workers, writers
from benchmarks.comparison import Table
from benchmarks.options import Options
from benchmarks.results import record
from benchmarks.runs import Journal

PLOTS = Path(__file__).parent / "plots"
BENCHMARKS: dict[str, tuple[str, Callable[[Options], Sequence[Table]]]] = {
    "allocation": ("the demo round, exact beside greedy; 1 minute", lambda _: [allocation.run()]),
    "feed": ("calendar feeds; 1 minute", lambda _: [feed.run()]),
    "engine": ("invented networks beside the targets; 40 minutes, or as long as --only takes", engine.run),
    "weighted": ("the Las Cumbres kind: their program beside ours; 40 minutes", weighted.run),
    "growth": ("1, 2, 4 and 8 times as many requests; 5 minutes", growth.run),
    "repair": ("a cancellation and an outage in a published plan; 4 minutes", repair.run),
    "web": ("everyday pages beside NEMO's, installed from the registry; 5 minutes", web.run),
    "scale": ("the same pages with ten thousand and with a million bookings; 10 minutes", scale.run),
    "timeline": ("the calendar painted and dragged in chromium; 2 minutes", timeline.run),
    "writers": ("fifty processes that book at once; 2 minutes", writers.run),
    "workers": ("what four workers gain on one, laid out from measured tasks; 6 minutes", workers.run),
}
SHORT = ("allocation", "feed")


def parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {name:11} {words}" for name, (words, _) in BENCHMARKS.items())
    found = argparse.ArgumentParser(
        prog="./dev bench",
        description=__doc__,
        epilog=f"benchmarks (without a name: {', '.join(SHORT)}):\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found.add_argument("names", nargs="*", metavar="NAME", type=known)
    found.add_argument("--record", action="store_true", help="write what was run into RESULTS.md and plots/")
    found.add_argument("--quick", action="store_true", help="a trial: smaller problems, shorter limits, one seed")
    found.add_argument("--seeds", type=int, default=5, metavar="N", help="seeds 1 to N (5)")
    found.add_argument("--workers", type=int, default=1, metavar="N", help="processes that may search at once (1)")
    found.add_argument("--only", default="", metavar="A,B", help="engine: groups KIND/SIZE/SECONDS; weighted: sizes")
    found.add_argument("--raw", type=Path, metavar="FILE", help="append raw results as JSON lines")
    found.add_argument("--resume", action="store_true", help="take from --raw what is there already")
    return found


def known(name: str) -> str:
    if name not in BENCHMARKS:
        raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(BENCHMARKS)}")
    return name


def main(arguments: list[str]) -> int:
    """Run what is asked for and print it."""
    asked = parser().parse_args(arguments)
    options = Options(
        quick=asked.quick,
        seeds=asked.seeds,
        workers=asked.workers,
        only=tuple(filter(None, asked.only.split(","))),
        plots=PLOTS if asked.record else None,
        journal=Journal(asked.raw, asked.resume),
    )
    command = command_of(asked)
    for name in asked.names or SHORT:
        began, load = time.monotonic(), os.getloadavg()[0]
        tables = BENCHMARKS[name][1](options)
        text = "\n\n".join(table.markdown().strip() for table in tables)
        print(f"{text}\n", flush=True)
        if asked.record:
            record({name: f"{text}\n\n{circumstances(command, time.monotonic() - began, load)}"})
    return 0


def command_of(asked: argparse.Namespace) -> str:
    """How to measure the same again, without where raw results went."""
    words = ["--record", *asked.names]
    words += ["--quick"] if asked.quick else ["--seeds", str(asked.seeds)]
    words += ["--workers", str(asked.workers)] if asked.workers > 1 else []
    words += ["--only", asked.only] if asked.only else []
    return " ".join(["./dev bench", *words])


def circumstances(command: str, seconds: float, load: float) -> str:
    """One line: with what, on what and by which command a section was measured."""
    asking = ["git", "describe", "--always", "--dirty"]
    commit = subprocess.run(asking, capture_output=True, text=True, check=False, cwd=PLOTS.parent).stdout.strip()
    return (
        f"Commit {commit or 'unknown'}, Python {platform.python_version()} on {platform.machine()}, "
        f"{os.cpu_count()} cores, load {load:.1f} before; {seconds / 60:.0f} minutes; command: `{command}`."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
