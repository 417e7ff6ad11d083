"""Catalogue files for tests: a small one to change, and the shipped one."""

import copy
import json
import shutil
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import event

from accounts.policy import SYSTEM
from core.config import ROOT
from core.db import db
from facilities.services import ImportOutcome, import_catalogue
from tests.factories import BEFORE

SHIPPED = ROOT / "facilities" / "data" / "facilities.json"
SMALL: dict[str, Any] = {
    "schema": "facilities-demo/1",
    "shift_plans": {
        "nights": {
            "timezone": "Europe/Rome",
            "assumption": True,
            "basis": "invented",
            "weekly_shifts": [
                {"day": "TUE", "start": "22:00", "minutes": 240},
                {"day": "SUN", "start": "20:00", "minutes": 480},
            ],
            "ion_change_minutes": 60,
        }
    },
    "facilities": [
        {
            "slug": "laboratorio",
            "name_it": "Laboratorio di prova",
            "name_en": "Test laboratory",
            "organisation": "Università di Prova",
            "organisation_ror": "https://ror.org/00wjc7c48",
            "city": "Pavia",
            "province": "PV",
            "lat": 45.19,
            "lon": 9.14,
            "coord_quality": "approximate (from memory, about 1-2 km)",
            "url": "https://example.org",
            "description_it": "Un laboratorio però già noto.",
            "description_en": "A laboratory.",
            "esfri_domain": "health_and_food",
            "access_modes": ["paid"],
            "techniques": [{"label": "Electron microscopy", "panet": None}],
            "resources": [
                {
                    "name": name,
                    "kind": "beamline",
                    "booking_mode": "proposal",
                    "capacity": 1,
                    "shift_plan": "nights",
                    "min_minutes": 240,
                    "max_minutes": 480,
                    "training_required": True,
                    "operation": "assisted",
                    "specs": {"ion": ion, "energy_MeV_u": [60, 250]},
                    "access": ["academic"],
                    "assumed_fields": ["min_minutes", "specs.energy_MeV_u"],
                }
                for name, ion in (("Protons", "proton (1H)"), ("Carbon", "carbon (12C)"))
            ],
            "sources": ["https://example.org/page (a page)"],
            "assumptions": ["coordinates"],
        }
    ],
}


def a_document(*changes: tuple[str, Any]) -> dict[str, Any]:
    """The small catalogue with values set at paths like 'facilities.0.lat'; a field set to ... is left out."""
    document = copy.deepcopy(SMALL)
    for path, value in changes:
        *way, last = path.split(".")
        place: Any = document
        for step in way:
            place = place[int(step) if isinstance(place, list) else step]
        key: Any = int(last) if isinstance(place, list) else last
        if value is ...:
            del place[key]
        elif isinstance(place, list) and key == len(place):
            place.append(value)
        else:
            place[key] = value
    return document


def a_file(folder: Path, content: dict[str, Any] | str | bytes, name: str = "catalogue.json") -> Path:
    """The content as a file; a document is written as JSON."""
    path = folder / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def imported(source: Path | dict[str, Any] = SHIPPED) -> ImportOutcome:
    """The catalogue imported by the system; needs an application context."""
    return import_catalogue(source, SYSTEM, BEFORE)


def a_furnished_copy(app: Flask, database: Path, folder: Path) -> Path:
    """The application's SQLite database with the shipped catalogue, as a file to copy."""
    with app.app_context():
        imported()
        db.session.remove()
        db.engine.dispose()
    return Path(shutil.copy(database, folder / "furnished.db"))


class Statements:
    """Counts the statements that the database is sent inside of the block."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.sent: list[str] = []

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "SAVEPOINT", "RELEASE")):
            self.sent.append(statement)

    def __enter__(self) -> "Statements":
        with self.app.app_context():
            self.engine = db.engine
        event.listen(self.engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_error: object) -> None:
        event.remove(self.engine, "before_cursor_execute", self._note)
