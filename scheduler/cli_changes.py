"""The commands `diff` (what changes between two plans) and `whatif` (a changed problem)."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from scheduler import whatif
from scheduler.difference import Difference, MemberChange, Standing, difference
from scheduler.errors import ProblemError
from scheduler.files import parse_json, read_json, remove, write_json
from scheduler.plan import Block, Plan
from scheduler.problem import Problem

PATTERN = ("request", "part", "resource", "start", "length")
WIDTH_OF_A_PIPE = 160


def add_diff(command: argparse.ArgumentParser) -> None:
    """The arguments of `diff`."""
    command.add_argument("problem", metavar="PROBLEM.json")
    command.add_argument("old", metavar="OLD.json")
    command.add_argument("new", metavar="NEW.json")
    command.add_argument("--new-problem", metavar="FILE", help="what NEW answers, when it is another version")
    command.add_argument("--json", action="store_true", help="write JSON instead of tables")
    command.set_defaults(run=diff_command)


def add_whatif(command: argparse.ArgumentParser) -> None:
    """The arguments of `whatif`; each but the files may be given several times."""
    command.add_argument("problem", metavar="PROBLEM.json")
    command.add_argument("--out", required=True, metavar="CHANGED.json")
    row = "R/P/RESOURCE/START/LENGTH"
    add_each(command, "--pin", pattern, row, "must be in the plan; * matches anything; or a JSON object")
    add_each(command, "--forbid", pattern, row, "may not be in the plan")
    add_each(command, "--weight", weight, "MEMBER=NUMBER", "another weight")
    add_each(command, "--outage", outage, "RESOURCE:START-END", "closed for these grains")
    add_each(command, "--cancel", str, "REQUEST", "take a request out")
    command.add_argument("--published", metavar="PLAN.json", help="the plan in force")
    command.add_argument("--frozen-until", type=int, metavar="GRAIN", help="its blocks that start before this stay")
    command.set_defaults(run=whatif_command)


def add_each(
    command: argparse.ArgumentParser, name: str, read: Callable[[str], object], metavar: str, words: str
) -> None:
    command.add_argument(name, action="append", default=[], type=read, metavar=metavar, help=words)


def pattern(text: str) -> dict[str, object]:
    """R/P/RESOURCE/START/LENGTH, or a JSON object for ids that hold a slash."""
    if text.startswith("{"):
        try:
            found = parse_json(text, "the row")
        except ProblemError as error:
            raise argparse.ArgumentTypeError(error.message) from error
        return dict(found)
    words = text.split("/")
    if len(words) != len(PATTERN):
        raise argparse.ArgumentTypeError("must be REQUEST/PART/RESOURCE/START/LENGTH, * for anything")
    named = {key: word for key, word in zip(PATTERN, words, strict=True) if word not in ("", "*")}
    return {key: int(word) if key in ("start", "length") else word for key, word in named.items()}


def weight(text: str) -> tuple[str, float]:
    member, equals, number = text.rpartition("=")
    if not equals:
        raise argparse.ArgumentTypeError("must be MEMBER=NUMBER")
    return member, float(number)


def outage(text: str) -> tuple[str, int, int]:
    resource, _, hours = text.rpartition(":")
    start, dash, end = hours.partition("-")
    if not (resource and dash):
        raise argparse.ArgumentTypeError("must be RESOURCE:START-END in grains")
    return resource, int(start), int(end)


def whatif_command(arguments: argparse.Namespace) -> int:
    """Write the changed problem, or one JSON line on standard error and no file."""
    document, out = read_json(Path(arguments.problem)), Path(arguments.out)
    remove(out)
    write_json(out, changed(whatif.checked(document), arguments))
    return 0


def changed(document: whatif.Document, arguments: argparse.Namespace) -> whatif.Document:
    """First the plan in force, then what has happened, then what is wished."""
    if arguments.published is not None:
        plan = Plan.from_json(read_json(Path(arguments.published)))
        document = whatif.from_plan(document, plan, arguments.frozen_until or 0)
    elif arguments.frozen_until is not None:
        raise ProblemError("frozen_until", "needs the plan in force: --published")
    for request in arguments.cancel:
        document = whatif.without_request(document, request)
    for resource, start, end in arguments.outage:
        document = whatif.with_outage(document, resource, start, end)
    if arguments.weight:
        document = whatif.with_weights(document, dict(arguments.weight))
    if arguments.forbid:
        document = whatif.with_forbidden(document, arguments.forbid)
    if arguments.pin:
        document = whatif.with_pins(document, arguments.pin)
    return document


def diff_command(arguments: argparse.Namespace) -> int:
    """Tables for people, or JSON."""
    problem = Problem.from_json(read_json(Path(arguments.problem)))
    other = problem
    if arguments.new_problem is not None:
        other = Problem.from_json(read_json(Path(arguments.new_problem)))
    old, new = (Plan.from_json(read_json(Path(name))) for name in (arguments.old, arguments.new))
    found = difference(problem, old, new, new_problem=other)
    if arguments.json:
        sys.stdout.write(json.dumps(found.to_json(), ensure_ascii=False, sort_keys=True, indent=1) + "\n")
        return 0
    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = WIDTH_OF_A_PIPE
    for line in headlines(found):
        console.print(line)
    for table in (block_table(problem, other, found), request_table(found), member_table(found)):
        if table.row_count:
            console.print()
            console.print(table)
    return 0


def headlines(found: Difference) -> Iterator[str]:
    before, after = found.before, found.after
    yield (
        f"{found.unchanged} blocks stay, {len(found.moved)} move, {len(found.lost)} are lost, "
        f"{len(found.gained)} are gained."
    )
    yield f"Value {before.value:,.6g} → {after.value:,.6g}."
    yield f"Requests served {before.requests_touched} → {after.requests_touched}."
    yield f"Requests served in full {before.requests_full} → {after.requests_full}."
    worst = [min(row.s_sorted, default=None) for row in (before, after)]
    yield f"Worst satisfaction {percent(worst[0])} → {percent(worst[1])}."


def percent(fraction: float | None) -> str:
    return "–" if fraction is None else f"{fraction:.1%}"


def where(problem: Problem, block: Block) -> str:
    """A place in words: resource, start in UTC, grain and length."""
    start = datetime.fromisoformat(problem.start) + timedelta(minutes=problem.grain_minutes * block.start)
    return f"{block.resource} {start:%Y-%m-%d %H:%M} (grain {block.start}, {block.length} long)"


def a_table(*headings: str) -> Table:
    return Table(*headings, box=None, pad_edge=False)


def block_table(old: Problem, new: Problem, found: Difference) -> Table:
    """Blocks that move, are lost or gained, in the order of requests."""
    rows = [(move.old, "moves", where(old, move.old), where(new, move.new)) for move in found.moved]
    rows += [(block, "lost", where(old, block), "") for block in found.lost]
    rows += [(block, "gained", "", where(new, block)) for block in found.gained]
    table = a_table("request", "part", "block", "old place (UTC)", "new place (UTC)")
    for block, *cells in sorted(rows, key=lambda row: row[0].order()):
        table.add_row(block.request, block.part, *cells)
    return table


def request_table(found: Difference) -> Table:
    """Requests that hold another number of grains."""
    table = a_table("request", "grains before", "after")
    for row in found.requests:
        cells = ("not asked" if held is None else str(held) for held in (row.before, row.after))
        table.add_row(row.request, *cells)
    return table


def member_table(found: Difference) -> Table:
    """Members whose standing changes, the largest loss first."""
    table = a_table("member", "fair share", "after", "held", "after", "satisfaction", "after")
    for row in sorted(found.members, key=change_of_s):
        if row.before != row.after:
            table.add_row(row.member, *cells_of(row.before, row.after))
    return table


def change_of_s(row: MemberChange) -> float:
    before, after = (standing.s or 0.0 if standing else 0.0 for standing in (row.before, row.after))
    return after - before


def cells_of(before: Standing | None, after: Standing | None) -> Iterator[str]:
    rows = [standing_cells(standing) for standing in (before, after)]
    for pair in zip(*rows, strict=True):
        yield from pair


def standing_cells(standing: Standing | None) -> tuple[str, str, str]:
    if standing is None:
        return "–", "–", "–"
    return f"{standing.T:,.6g}", f"{standing.served:,.6g}", percent(standing.s)
