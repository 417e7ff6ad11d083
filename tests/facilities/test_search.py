"""Full-text search: the same answers on both databases, and no query that breaks it."""

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from core.db import db
from facilities import queries
from facilities.search import folded, fts5_query, tsquery, words_of
from tests.facilities.factories import a_document, imported
from tests.support import on_both_databases

CASES: tuple[tuple[str, set[str]], ...] = (
    ("cryo", {"ht-nf-structural-biology", "unimi-nolimits"}),
    ("criomicroscopia", {"ht-nf-structural-biology"}),
    ("universita INSUBRIA", {"insubria-criett"}),
    ("Università Insubria", {"insubria-criett"}),
    ("titan kri", {"ht-nf-structural-biology"}),
    ("protoni", {"cnao"}),
    ("AFM", {"polimi-polifab", "unimib-u28"}),
    ("radiotherapy", {"cnao"}),
    ("lodi", {"ptp-lodi"}),
    ("titan protoni", set()),
    ("zzzz", set()),
    ("!?", set()),
)
HOSTILE = (
    '"', "'", "* AND OR NOT NEAR(", "a* OR b*", "title:cnao", "cnao:*", "(((((", "a & | ! b", "\\", "%_", "-", "^cnao",
    "{x}", "a\tb\nc", "😀", "ﬁ", "İ", "ß", "1e5 1.5.2 a@b.c http://x/y?z", "'; DROP TABLE facilities; --", "<->",
    "x" * 200, "a " * 100, "١٢٣", "中文", "ᾳͅ", "\u202e",
)  # fmt: skip


@on_both_databases
def test_words_of_both_languages_find_their_facilities(context: Flask) -> None:
    imported()
    for query, expected in CASES:
        assert {row.slug for row in queries.listed(db.session(), query)} == expected, query


@on_both_databases
def test_no_query_breaks_the_search(context: Flask) -> None:
    imported(a_document())
    for query in HOSTILE:
        assert len(queries.listed(db.session(), query)) <= 1, query


@on_both_databases
def test_a_name_weighs_more_than_a_mention(context: Flask) -> None:
    imported()
    found = queries.facilities_matching(db.session(), "genomica")
    rows = sorted(queries.listed(db.session(), "genomica"), key=lambda row: -row.weight)
    assert rows[0].slug in {"ht-nf-genomics", "ptp-lodi"}
    assert set(found) == {row.id for row in rows}


@on_both_databases
def test_an_import_that_changes_a_text_changes_what_is_found(context: Flask) -> None:
    imported(a_document())
    imported(a_document(("facilities.0.description_en", "A place for quokkas.")))
    assert len(queries.listed(db.session(), "quokka")) == 1
    imported(a_document())
    assert queries.listed(db.session(), "quokka") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Università – Cryo-EM", "universita cryo em"),
        ("però PERÒ", "pero pero"),
        ("snake_case", "snake case"),
        ("ﬁbre", "fibre"),
        ("", ""),
    ],
)
def test_texts_are_folded_to_plain_words(text: str, expected: str) -> None:
    assert folded(text) == expected


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@given(st.text())
def test_queries_hold_nothing_but_words(text: str) -> None:
    words = words_of(text)
    assert all(word.isalnum() or word.isidentifier() or not word.isascii() for word in words)
    assert '""' not in fts5_query(words)
    assert "'" not in tsquery(words)
