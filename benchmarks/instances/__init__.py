"""Invented problems of known size for benchmarks: the same bytes for the same size, kind and seed.

Plain and rich networks have beams, benches and staff over 26 weeks; `las_cumbres` has telescopes over seven nights.
"""

from typing import Any

from benchmarks.instances import las_cumbres, network, rich

KINDS = ("plain", "rich", "las_cumbres")


def sizes(kind: str) -> tuple[str, ...]:
    """The sizes that a kind comes in, smallest first."""
    return tuple(las_cumbres.SIZES) if kind == "las_cumbres" else tuple(network.SIZES)


def make(size: str, kind: str, seed: int) -> dict[str, Any]:
    """A problem as a JSON document (`equora-problem/1`).

    `size` is one of `sizes(kind)`; the policy's seed is the given one. KeyError for an unknown size or kind.
    """
    makers = {"plain": network.make, "rich": rich.make, "las_cumbres": las_cumbres.make}
    return makers[kind](size, seed)
