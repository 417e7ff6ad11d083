"""Prints how many statements NEMO sends for one page; run by its own Python."""

import sys

import django

django.setup()

from django.db import connection  # noqa: E402 - Django must be set up first
from django.test import Client  # noqa: E402 - likewise
from django.test.utils import CaptureQueriesContext  # noqa: E402 - likewise

client = Client(headers={"Remote-User": "person0"})
client.get(sys.argv[1])
with CaptureQueriesContext(connection) as seen:
    answer = client.get(sys.argv[1])
if answer.status_code != 200:
    sys.exit(f"{answer.status_code} {answer.content[:300]!r}")
print(len(seen))
