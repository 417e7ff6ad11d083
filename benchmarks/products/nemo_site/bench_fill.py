"""Migrates NEMO's database and stores the benchmark's instruments, people and bookings; run by its own Python."""

import json
import os
from datetime import datetime
from pathlib import Path

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - Django must be set up first
from NEMO.models import Account, Project, Reservation, Tool, User, UserType  # noqa: E402 - likewise

data = json.loads((Path(os.environ["BENCH_FOLDER"]) / "work.json").read_text(encoding="utf-8"))
call_command("migrate", verbosity=0)
kind, _ = UserType.objects.get_or_create(name="Member", defaults={"display_order": 1})
project = Project.objects.create(name="Bench", account=Account.objects.create(name="Bench"))
people = []
for n in range(data["people"]):
    person = User.objects.create(
        username=f"person{n}",
        first_name="Person",
        last_name=str(n),
        email=f"person{n}@bench.example.org",
        type=kind,
        training_required=False,
    )
    person.projects.add(project)
    people.append(person)
tools = [
    Tool.objects.create(
        name=f"Microscope {n}",
        _category=f"Lab {n % 6}",
        _location="Pavia",
        _phone_number="0",
        _primary_owner=people[1],
        visible=True,
        _operational=True,
        _reservation_horizon=365,
        _minimum_usage_block_time=15,
    )
    for n in range(data["instruments"])
]
for person in people:
    person.qualifications.add(*tools)
Reservation.objects.bulk_create(
    [
        Reservation(
            user=people[slot["person"]],
            creator=people[slot["person"]],
            tool=tools[slot["instrument"]],
            project=project,
            start=datetime.fromisoformat(slot["start"]),
            end=datetime.fromisoformat(slot["end"]),
            short_notice=False,
            title="Measured",
        )
        for slot in data["slots"]
    ],
    batch_size=2000,
)
