"""Why a request was not or only partly served, in sentences: codes and evidence of the certificate, read for people.

The codes are the scheduler's (scheduler/reasons.py and scheduler/trades.py): no_window, lengths, impossible,
bottleneck, traded_for_fairness, traded_for_value, tie.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from core.formats import hours, number, percent
from core.i18n import N_, say

Reason = Mapping[str, Any]

MOST_NAMED = 3
UNKNOWN = N_("The round's open time was not enough for every request.")
HEADLINES = {
    "no_window": N_("No open time of the round fits into the times that are possible for it."),
    "lengths": N_("The wanted lengths of its blocks do not add up to all the hours asked for."),
    "impossible": N_("Its own conditions cannot all be met in the round's open time."),
    "bottleneck": N_("The time it could use was given to other requests."),
    "traded_for_fairness": N_(
        "Serving it in full would take hours from organisations that have less of their fair share."
    ),
    "traded_for_value": N_("Serving it in full would displace requests with a better score."),
    "tie": N_("Another request in the same position took the time; the tie was broken in a fixed order."),
}
FINAL = ("no_window", "lengths", "impossible")
"""Reasons that no cancellation of another request can cure."""
WHY_NO_PLACE = {
    "length_above_amount": N_("the shortest block is longer than all the hours asked for"),
    "never_open": N_("the instrument is not open at any time that is possible"),
    "window_too_short": N_("every possible stretch is shorter than one block"),
    "side_resource": N_("something needed at the same time is not available"),
    "no_start_left": N_("no legal start is left"),
}


@dataclass(frozen=True)
class Words:
    """What a reader calls the things of a problem, in the reader's language."""

    language: str
    grain_minutes: int
    request: Callable[[str], str]
    resource: Callable[[str], str]
    member: Callable[[str], str]
    block: Callable[[Mapping[str, Any]], str]

    def say(self, message: str, **values: object) -> str:
        """A sentence, filled."""
        return say(self.language, message, values)

    def hours(self, grains: float) -> str:
        """Grains as hours."""
        return hours(grains * self.grain_minutes, self.language)

    def percent(self, share: float | None) -> str:
        """A satisfaction; none was due to who has no fair share."""
        return "–" if share is None else percent(share, self.language)


def headline(reason: Reason) -> str:
    """The reason in one sentence (a msgid) that names nobody."""
    return HEADLINES.get(reason.get("code", ""), UNKNOWN)


def is_final(reason: Reason) -> bool:
    """Whether waiting on the reserve list would be in vain."""
    return reason.get("code") in FINAL


def details(reason: Reason, words: Words) -> list[str]:
    """The evidence, for who may see the whole plan: where the time went, what serving it would cost, what is free."""
    evidence = reason.get("evidence", {})
    return [
        *_no_place(evidence.get("parts", ()), words),
        *(_bottleneck(row, words) for row in evidence.get("bottlenecks", ())),
        *_trade(evidence.get("trade", {}), words),
        *_nearest(reason.get("nearest", ()), words),
    ]


def _no_place(parts: Iterable[Mapping[str, Any]], words: Words) -> Iterable[str]:
    for why in dict.fromkeys(row["why"] for row in parts if row.get("why") in WHY_NO_PLACE):
        yield words.say(N_("More exactly: %(why)s."), why=words.say(WHY_NO_PLACE[why]))


def _bottleneck(row: Mapping[str, Any], words: Words) -> str:
    values = {
        "instrument": words.resource(row["resource"]),
        "weeks": _ranges(row["weeks"]),
        "held": words.hours(row["held"]),
        "open": words.hours(row["open"]),
    }
    if not row["holders"]:
        return words.say(N_("%(instrument)s: %(open)s open in weeks %(weeks)s, none of it held by others."), **values)
    names = "; ".join(_holder(holder, words) for holder in row["holders"][:MOST_NAMED])
    message = N_("%(instrument)s: of %(open)s open in weeks %(weeks)s others hold %(held)s, most of it %(names)s.")
    return words.say(message, names=names, **values)


def _holder(row: Mapping[str, Any], words: Words) -> str:
    standing = ", ".join(f"{words.member(member)} {words.percent(s)}" for member, s in row["members"].items())
    return f"{words.request(row['request'])} {words.hours(row['grains'])} ({standing})"


def _trade(trade: Mapping[str, Any], words: Words) -> Iterable[str]:
    if trade.get("value_lost"):
        lost = number(trade["value_lost"], words.language, 0)
        yield words.say(N_("Serving it would lose %(lost)s of the plan's value."), lost=lost)
    for row in trade.get("losers", ())[:MOST_NAMED]:
        if "member" in row:
            message = N_("%(member)s would fall from %(before)s to %(after)s of its fair share.")
            before, after = words.percent(row["s_before"]), words.percent(row["s_after"])
            yield words.say(message, member=words.member(row["member"]), before=before, after=after)
        else:
            message = N_("%(request)s would lose %(hours)s.")
            yield words.say(message, request=words.request(row["request"]), hours=words.hours(row["grains"]))


def _nearest(rows: Iterable[Mapping[str, Any]], words: Words) -> Iterable[str]:
    free = "; ".join(words.block(row) for row in rows)
    if free:
        yield words.say(N_("Free in this plan, outside of its windows or rules: %(free)s."), free=free)


def _ranges(weeks: Iterable[int]) -> str:
    """1, 2, 3, 5 as '1–3, 5'."""
    runs: list[list[int]] = []
    for week in sorted(weeks):
        if runs and week == runs[-1][1] + 1:
            runs[-1][1] = week
        else:
            runs.append([week, week])
    return ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in runs)
