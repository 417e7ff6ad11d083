"""A manager brings the demo round from its inbox to the published plan, on a phone in English."""

from typing import Any

from tests.browser.conftest import PHONE
from tests.browser.journeys import Windows
from tests.browser.managing import walk


def test_a_manager_allocates_the_demo_round_on_a_phone_in_english(visit: Windows, demo: dict[str, Any]) -> None:
    walk(visit, demo, "en", PHONE)
