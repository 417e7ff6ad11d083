"""A map of Lombardy without outside tiles: the region's approximate outline, and markers that never overlap."""

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from facilities.facets import Listed
from facilities.vocabulary import DATA

WEST: Final = 8.46
NORTH: Final = 46.67
SCALE: Final = 172.0  # drawing units for one degree of latitude
LONGITUDE_SCALE: Final = SCALE * math.cos(math.radians(45.6))
WIDTH: Final = 364
HEIGHT: Final = 348
RADIUS: Final = 13.5  # of a marker; at a width of 330 px it is still a target of 24 px
LABEL_HEIGHT: Final = 14
SIGN_WIDTH: Final = 6.8


@dataclass(frozen=True)
class Marker:
    """One spot on the map: a facility, or several that would cover each other."""

    x: float
    y: float
    label_y: float
    place: str
    cities: tuple[str, ...]
    facilities: tuple[Listed, ...]


@dataclass(frozen=True)
class Drawing:
    """What never changes on the map: the outline and the lakes as SVG paths."""

    outline: str
    lakes: tuple[str, ...]


@dataclass(frozen=True)
class Picture:
    """A map with its markers; `beyond` are facilities outside of the frame."""

    drawing: Drawing
    markers: tuple[Marker, ...]
    beyond: tuple[Listed, ...]
    width: int = WIDTH
    height: int = HEIGHT
    radius: float = RADIUS


@cache
def drawing() -> Drawing:
    """The region's outline and lakes."""
    shapes = json.loads((DATA / "lombardy.json").read_text(encoding="utf-8"))
    return Drawing(_path(shapes["outline"]) + "Z", tuple(_path(lake) for lake in shapes["lakes"]))


def picture(rows: Sequence[Listed]) -> Picture:
    """The map of these facilities."""
    inside = [row for row in rows if _is_inside(row)]
    beyond = tuple(row for row in rows if not _is_inside(row))
    return Picture(drawing(), tuple(_markers(_clusters(inside))), beyond)


def _path(points: list[list[float]]) -> str:
    placed = (_place(latitude, longitude) for longitude, latitude in points)
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in placed)


def _place(latitude: float, longitude: float) -> tuple[float, float]:
    return (longitude - WEST) * LONGITUDE_SCALE, (NORTH - latitude) * SCALE


def _is_inside(row: Listed) -> bool:
    x, y = _place(row.latitude, row.longitude)
    return 0 <= x <= WIDTH and 0 <= y <= HEIGHT


def _centre(rows: Sequence[Listed]) -> tuple[float, float]:
    places = [_place(row.latitude, row.longitude) for row in rows]
    x, y = (sum(values) / len(places) for values in zip(*places, strict=True))
    return min(max(x, RADIUS), WIDTH - RADIUS), min(max(y, RADIUS), HEIGHT - RADIUS)


def _clusters(rows: Sequence[Listed]) -> list[list[Listed]]:
    """Join the two nearest groups until no two markers would touch."""
    same_place: dict[tuple[float, float], list[Listed]] = {}
    for row in sorted(rows, key=lambda row: (row.latitude, row.longitude, row.slug)):
        same_place.setdefault((round(row.latitude, 1), round(row.longitude, 1)), []).append(row)
    clusters = list(same_place.values())
    while True:
        centres = [_centre(cluster) for cluster in clusters]
        pairs = [(math.dist(centres[i], centres[j]), i, j) for j in range(len(clusters)) for i in range(j)]
        nearest = min(pairs, default=(math.inf, 0, 0))
        if nearest[0] >= 2 * RADIUS:
            return clusters
        clusters[nearest[1]] += clusters.pop(nearest[2])


def _markers(clusters: list[list[Listed]]) -> list[Marker]:
    """From north to south; a label stands under its marker, or above it where another label is in the way."""
    markers: list[Marker] = []
    labels: list[tuple[float, float, float]] = []
    for cluster in sorted(clusters, key=lambda rows: (_centre(rows)[1], _centre(rows)[0])):
        x, y = _centre(cluster)
        cities = Counter(row.city for row in cluster)
        place = cities.most_common(1)[0][0].partition(" (")[0].partition(" / ")[0]
        half = len(place) * SIGN_WIDTH / 2
        below, above = y + RADIUS + LABEL_HEIGHT - 2, y - RADIUS - 4
        taken = any(abs(x - other) < half + width and abs(below - line) < LABEL_HEIGHT for other, width, line in labels)
        line = above if taken else below
        labels.append((x, half, line))
        rows = tuple(sorted(cluster, key=lambda row: row.slug))
        markers.append(Marker(round(x, 1), round(y, 1), round(line, 1), place, tuple(sorted(cities)), rows))
    return markers
