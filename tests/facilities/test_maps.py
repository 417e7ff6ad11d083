"""The map of Lombardy."""

import itertools
import math
from dataclasses import replace

from facilities.facets import Listed
from facilities.maps import HEIGHT, RADIUS, WIDTH, drawing, picture
from tests.facilities.test_facets import a_row


def at(slug: str, latitude: float, longitude: float, city: str = "Milano") -> Listed:
    return replace(a_row(slug, city), latitude=latitude, longitude=longitude)


def test_facilities_of_one_place_share_a_marker_named_after_the_commonest_city() -> None:
    rows = [at("a", 45.47, 9.19), at("b", 45.48, 9.23), at("c", 45.37, 9.16, "Rozzano"), at("d", 45.19, 9.14, "Pavia")]
    markers = picture(rows).markers
    assert [(m.place, m.cities, [f.slug for f in m.facilities]) for m in markers] == [
        ("Milano", ("Milano", "Rozzano"), ["a", "b", "c"]),
        ("Pavia", ("Pavia",), ["d"]),
    ]


def test_markers_never_touch_and_lie_on_the_map() -> None:
    rows = [at(f"{i}-{j}", 44.7 + i * 0.11, 8.5 + j * 0.13) for i, j in itertools.product(range(17), range(22))]
    markers = picture(rows).markers
    for one, other in itertools.combinations(markers, 2):
        assert math.dist((one.x, one.y), (other.x, other.y)) >= 2 * RADIUS - 0.2
    assert all(0 <= m.x <= WIDTH and 0 <= m.y <= HEIGHT for m in markers)
    assert sum(len(m.facilities) for m in markers) == len(rows)


def test_what_lies_beyond_the_map_is_named_beside_it() -> None:
    assert [row.slug for row in picture([at("roma", 41.9, 12.5)]).beyond] == ["roma"]


def test_an_empty_catalogue_has_a_map_without_markers() -> None:
    assert picture([]).markers == ()


def test_the_outline_is_one_closed_path_inside_the_frame() -> None:
    outline = drawing().outline
    numbers = [float(n) for n in outline.removeprefix("M").removesuffix("Z").replace("L", " ").split()]
    assert outline.count("M") == 1
    assert all(0 <= x <= WIDTH for x in numbers[::2])
    assert all(0 <= y <= HEIGHT for y in numbers[1::2])
