"""Every word of the shipped catalogue is there in Italian and in English."""

import json

from facilities.importing import MODES, read_catalogue
from facilities.policy import BookingMode
from facilities.vocabulary import vocabulary
from tests.facilities.factories import SHIPPED


def test_every_term_has_both_languages() -> None:
    words = vocabulary()
    for name, terms in vars(words).items():
        if name != "configurations":
            assert all(term.it and term.en for term in terms.values()), name


def test_every_technique_instrument_and_specification_of_the_shipped_file_is_known() -> None:
    words = vocabulary()
    facilities = read_catalogue(SHIPPED).facilities
    assert {t.name_en for f in facilities for t in f.techniques} <= set(words.techniques)
    assert {i.name for f in facilities for i in f.instruments} <= set(words.instruments)
    assert {key for f in facilities for i in f.instruments for key in i.specs} <= set(words.specs)


def test_every_short_text_of_the_shipped_file_is_translated() -> None:
    words, document = vocabulary(), json.loads(SHIPPED.read_text(encoding="utf-8"))
    texts: set[str] = {text for f in document["facilities"] for text in (*f["assumptions"], f["coord_quality"])}
    for specs in (resource["specs"] for f in document["facilities"] for resource in f["resources"]):
        values = [each for value in specs.values() for each in (value if isinstance(value, list) else [value])]
        texts |= {value for value in values if isinstance(value, str)}
    for plan in document["shift_plans"].values():
        texts |= {plan["basis"], *plan["shutdowns"]["months_indicative"]}
    assert texts <= set(words.texts)


def test_every_booking_mode_has_a_name() -> None:
    assert set(vocabulary().booking_modes) == {mode.value for mode in BookingMode}
    assert set(MODES.values()) == set(BookingMode)
