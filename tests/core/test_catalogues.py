"""The translation tool collects, merges, compiles and complains; tried on a small project of its own."""

import gettext
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PAGE = """
<h1>{{ _('Requests') }}</h1>
<p>{{ _('%(n)s hours left', n=3) }}</p>
"""
CODE = """
from core.i18n import N_
STATES = [N_("Draft"), N_("Sent")]
def count(n):
    return ngettext("%(num)d request", "%(num)d requests", n)
def verb():
    return pgettext("verb", "Book")
"""
ITALIAN = {
    "Requests": "Richieste",
    "%(n)s hours left": "%(n)s ore rimaste",
    "Draft": "Bozza",
    "Sent": "Inviata",
    "Book": "Prenota",
}


class Project:
    """A copy of the tool with two files to translate."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "core").mkdir()
        for name in ("__init__.py", "i18n.py", "catalogues.py"):
            shutil.copy(PROJECT / "core" / name, root / "core" / name)
        self.page = root / "templates" / "booking" / "page.html"
        self.page.parent.mkdir(parents=True)
        self.page.write_text(PAGE, encoding="utf-8")
        self.code = root / "booking" / "states.py"
        self.code.parent.mkdir()
        self.code.write_text(CODE, encoding="utf-8")
        self.catalogue = root / "translations" / "it" / "LC_MESSAGES" / "booking.po"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the tool as a person would."""
        command = [sys.executable, "-m", "core.catalogues", *arguments]
        return subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)

    def translate(self, original: str, translation: str) -> None:
        """Fill in one translation by hand."""
        before = self.catalogue.read_text(encoding="utf-8")
        after = before.replace(f'msgid "{original}"\nmsgstr ""', f'msgid "{original}"\nmsgstr "{translation}"')
        assert after != before
        self.catalogue.write_text(after, encoding="utf-8")

    def translate_all(self) -> None:
        """Fill in everything."""
        for original, translation in ITALIAN.items():
            self.translate(original, translation)
        text = self.catalogue.read_text(encoding="utf-8")
        text = text.replace('msgstr[0] ""', 'msgstr[0] "%(num)d richiesta"')
        self.catalogue.write_text(text.replace('msgstr[1] ""', 'msgstr[1] "%(num)d richieste"'), encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    assert made.run("extract").returncode == 0
    return made


def test_texts_of_code_and_templates_are_collected_without_dates_and_line_numbers(project: Project) -> None:
    text = project.catalogue.read_text(encoding="utf-8")
    for original in ITALIAN:
        assert f'msgid "{original}"' in text
    assert 'msgctxt "verb"' in text
    assert "#: booking/states.py\n" in text
    assert "Date" not in text


def test_collecting_again_changes_nothing_and_moving_code_changes_nothing(project: Project) -> None:
    project.translate_all()
    before = project.catalogue.read_bytes()
    project.code.write_text("\n\n# moved down\n" + CODE, encoding="utf-8")
    assert project.run("extract").stdout == ""
    assert project.catalogue.read_bytes() == before


def test_a_complete_catalogue_passes_and_is_compiled(project: Project) -> None:
    project.translate_all()
    assert project.run("compile", "check").returncode == 0
    with project.catalogue.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    assert compiled.gettext("Draft") == "Bozza"
    assert compiled.ngettext("%(num)d request", "%(num)d requests", 2) == "%(num)d richieste"
    assert compiled.pgettext("verb", "Book") == "Prenota"


def test_each_missing_translation_is_named_with_its_source(project: Project) -> None:
    result = project.run("check")
    assert result.returncode == 1
    assert "'Draft' (booking/states.py): not translated" in result.stderr
    assert "'%(num)d request' (booking/states.py): not translated" in result.stderr


@pytest.mark.parametrize(
    ("translation", "complaint"),
    [
        ("%(ore)s ore rimaste", "has the placeholders ['ore'] where the text has ['n']"),
        ("ore rimaste", "has the placeholders [] where the text has ['n']"),
        ("%(n)s ore, il 5 %", "cannot be filled"),
    ],
)
def test_a_translation_with_other_placeholders_is_named(project: Project, translation: str, complaint: str) -> None:
    project.translate("%(n)s hours left", translation)
    result = project.run("check")
    assert result.returncode == 1
    assert complaint in result.stderr


def test_a_text_that_changed_has_no_translation_any_more_and_no_guess(project: Project) -> None:
    project.translate_all()
    project.page.write_text(PAGE.replace("Requests", "Your requests"), encoding="utf-8")
    assert "run ./dev i18n" in project.run("check").stderr
    result = project.run("extract", "check")
    assert "'Your requests' (templates/booking/page.html): not translated" in result.stderr
    assert "Richieste" not in project.catalogue.read_text(encoding="utf-8")


def test_a_text_known_to_another_feature_takes_over_its_translation_and_may_not_differ(project: Project) -> None:
    project.translate_all()
    other = project.root / "templates" / "accounts" / "page.html"
    other.parent.mkdir()
    other.write_text("{{ _('Draft') }}", encoding="utf-8")
    assert project.run("extract", "check").returncode == 0
    catalogue = project.catalogue.with_name("accounts.po")
    catalogue.write_text(catalogue.read_text(encoding="utf-8").replace("Bozza", "Minuta"), encoding="utf-8")
    result = project.run("check")
    assert result.returncode == 1
    assert "accounts and booking translate 'Draft' differently" in result.stderr


def test_words_it_does_not_know_are_refused_with_its_help(project: Project) -> None:
    result = project.run("extract", "everything")
    assert result.returncode == 2
    assert "extract  collects" in result.stderr
