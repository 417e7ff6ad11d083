"""Identifiers that people type."""

import pytest

from accounts.identifiers import email_from, orcid_from, ror_from, slug_from
from core.errors import Invalid


@pytest.mark.parametrize(
    "text",
    ["https://ror.org/05gqaka33", "http://ror.org/05gqaka33/", "ror.org/05gqaka33", " 05GQAKA33 "],
)
def test_a_ror_id_is_understood_in_any_usual_form(text: str) -> None:
    assert ror_from(text) == "https://ror.org/05gqaka33"


@pytest.mark.parametrize("known", ["03yrm5c26", "02mhbdp94", "00f54p054", "029gmnc79", "01nffqt88", "00wjc7c48"])
def test_ror_ids_in_use_have_a_right_checksum(known: str) -> None:
    assert ror_from(known) == f"https://ror.org/{known}"


@pytest.mark.parametrize("position", range(1, 9))
def test_one_wrong_sign_in_a_ror_id_is_noticed(position: int) -> None:
    right = "029gmnc79"
    for sign in "0123456789abcdefghjkmnpqrstvwxyz":
        wrong = right[:position] + sign + right[position + 1 :]
        if wrong != right:
            with pytest.raises(Invalid) as refused:
                ror_from(wrong)
            assert set(refused.value.fields) == {"ror"}


@pytest.mark.parametrize("text", ["https://evil.example/029gmnc79", "029gmnc7", "029gmnc790", "i29gmnc79", "٠29gmnc79"])
def test_other_texts_are_no_ror_id(text: str) -> None:
    with pytest.raises(Invalid, match="check the marked"):
        ror_from(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("0000-0002-1825-0097", "0000-0002-1825-0097"),
        ("https://orcid.org/0000-0001-5109-3700", "0000-0001-5109-3700"),
        ("000000021694233x", "0000-0002-1694-233X"),
    ],
)
def test_an_orcid_is_understood_in_any_usual_form(text: str, kept: str) -> None:
    assert orcid_from(text) == kept


@pytest.mark.parametrize("text", ["0000-0002-1825-0098", "0000-0002-1694-2330", "0000-0002-1852-0097"])
def test_a_typing_mistake_in_an_orcid_is_noticed(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        orcid_from(text)
    assert "checksum" in refused.value.fields["orcid"]


def test_nothing_is_no_identifier() -> None:
    assert ror_from("  ") is None
    assert orcid_from("") is None


def test_addresses_are_kept_in_lower_case() -> None:
    assert email_from("  Anna.Bianchi@Example.ORG ") == "anna.bianchi@example.org"


@pytest.mark.parametrize(
    "text", ["", "anna", "anna@", "a b@example.org", "a@example.org\nBcc: b@example.org", "a" * 250 + "@example.org"]
)
def test_other_texts_are_no_address(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        email_from(text)
    assert set(refused.value.fields) == {"email"}


def test_slugs_are_plain_and_never_empty() -> None:
    assert slug_from("Università degli Studi di Pavia") == "universita-degli-studi-di-pavia"
    assert slug_from("北京") == "organisation"
    assert len(slug_from("a" * 500)) == 60
