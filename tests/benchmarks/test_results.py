"""RESULTS.md: what was run is renewed, the rest stays."""

from pathlib import Path

from benchmarks.results import join_sections, read_sections, record


def test_a_run_renews_its_own_section_and_leaves_the_others(tmp_path: Path) -> None:
    path = tmp_path / "RESULTS.md"
    record({"feed": "## Feed\n\nold", "engine": "## Engine\n\nkept <!-- bench: feed --> as it is"}, path)
    record({"feed": "## Feed\n\nnew", "repair": "## Repair"}, path)
    assert read_sections(path.read_text(encoding="utf-8")) == {
        "feed": "## Feed\n\nnew",
        "engine": "## Engine\n\nkept <!-- bench: feed --> as it is",
        "repair": "## Repair",
    }


def test_reading_and_writing_a_file_changes_nothing() -> None:
    text = Path("benchmarks/RESULTS.md").read_text(encoding="utf-8")
    assert join_sections(read_sections(text)) == text
