"""A manager brings the demo round from its inbox to the published plan, at a desk in Italian."""

from typing import Any

from tests.browser.conftest import DESKTOP
from tests.browser.journeys import Windows
from tests.browser.managing import walk


def test_a_manager_allocates_the_demo_round_at_a_desk_in_italian(visit: Windows, demo: dict[str, Any]) -> None:
    walk(visit, demo, "it", DESKTOP)
