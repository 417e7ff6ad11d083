"""What others wrote and we ship is exactly what its makers published, and nothing is fetched from elsewhere."""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = (ROOT / "static" / "vendor", ROOT / "tests" / "browser" / "vendor")


@dataclass(frozen=True)
class Vendored:
    """One entry of a VENDOR.json."""

    folder: Path
    name: str
    version: str
    licence: str
    homepage: str
    source: str
    use: str
    files: dict[str, str]


ASSETS = [
    Vendored(folder, **entry)
    for folder in FOLDERS
    for entry in json.loads((folder / "VENDOR.json").read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("asset", ASSETS, ids=lambda asset: asset.name)
def test_each_file_has_the_recorded_hash_and_a_licence_beside_it(asset: Vendored) -> None:
    for name, recorded in asset.files.items():
        assert name.startswith(f"{asset.name}@{asset.version}/")
        assert hashlib.sha256((asset.folder / name).read_bytes()).hexdigest() == recorded, name
    assert f"{asset.name}@{asset.version}/LICENSE" in asset.files


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_no_file_is_vendored_without_a_record(folder: Path) -> None:
    recorded = {name for asset in ASSETS if asset.folder == folder for name in asset.files}
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found - recorded == {"VENDOR.json"}


def test_templates_name_vendored_files_that_exist() -> None:
    named = {
        name
        for template in (ROOT / "templates").rglob("*.html")
        for name in re.findall(r"vendor/[\w.@/-]+", template.read_text(encoding="utf-8"))
    }
    assert named
    assert [name for name in named if not (ROOT / "static" / name).is_file()] == []


def test_style_sheets_load_nothing_from_outside() -> None:
    for sheet in (ROOT / "static").rglob("*.css"):
        addresses = re.findall(r"url\(\s*['\"]?([^)'\"]+)", sheet.read_text(encoding="utf-8"))
        assert [address for address in addresses if re.match(r"(https?:)?//", address)] == [], sheet
