"""An organisation's hours, booked against used, by facility and month: as a page, and as a table for spreadsheets."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from io import StringIO
from itertools import groupby
from typing import Any

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from accounts import queries as accounts
from accounts.access import current_actor, signed_in
from accounts.models import Organisation
from booking.policy import use as policy
from booking.queries import shares as queries
from core import clock
from core.db import db
from core.errors import NotFound
from core.i18n import either
from core.web import current_language
from facilities.models import Facility

blueprint = Blueprint("shares", __name__)
EARLIEST, LATEST = 2000, 2199
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


@dataclass(frozen=True)
class Hours:
    """Minutes of a month or of a sum of months, as the share ledger counts them."""

    booked: int = 0
    used: int = 0
    no_show: int = 0
    late_cancellation: int = 0
    credited: int = 0
    charged: int = 0


@dataclass(frozen=True)
class Month:
    """The hours of one facility in one month, on its first day."""

    facility: Facility
    first: date
    hours: Hours


@blueprint.get("/organisations/<slug>/use")
@signed_in
def of_organisation(slug: str) -> ResponseReturnValue:
    """The page."""
    organisation, reach = _organisation(slug)
    year = _year()
    months = _months(organisation, reach, year)
    years = {int(found) for found in db.session.scalars(queries.years_with_hours(organisation.id, reach))}
    return render_template(
        "booking/use/shares.html",
        organisation=organisation,
        reach=reach,
        year=year,
        years=sorted(years | {year}, reverse=True),
        groups=[
            (facility, rows, total(rows))
            for facility, rows in ((key, list(found)) for key, found in groupby(months, key=lambda one: one.facility))
        ],
        total=total(months),
        shares=db.session.execute(queries.shares_in_rounds(organisation.id, reach)).all(),
    )


@blueprint.get("/organisations/<slug>/use.csv")
@signed_in
def table(slug: str) -> ResponseReturnValue:
    """The same as a file; hours with a point, as spreadsheets of every language can be told to read them."""
    organisation, reach = _organisation(slug)
    year = _year()
    text = StringIO()
    rows = csv.writer(text)
    rows.writerow(["organisation", "facility", "month", *(f"{one.name}_hours" for one in fields(Hours))])
    for month in _months(organisation, reach, year):
        facility = either(current_language(), month.facility.name_it, month.facility.name_en)
        amounts = [f"{getattr(month.hours, one.name) / 60:.2f}" for one in fields(Hours)]
        rows.writerow([harmless(organisation.name), harmless(facility), f"{month.first:%Y-%m}", *amounts])
    name = f"{organisation.slug}-{year}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response("\ufeff" + text.getvalue(), mimetype="text/csv", headers=headers)


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    return f"'{text}" if text.lstrip().startswith(FORMULA) or text.startswith(FORMULA) else text


def total(months: Iterable[Month]) -> Hours:
    """The sum of some months."""
    rows = [one.hours for one in months]
    return Hours(**{one.name: sum(getattr(row, one.name) for row in rows) for one in fields(Hours)})


def _organisation(slug: str) -> tuple[Organisation, policy.Reach]:
    """The organisation, and which of its hours the reader may see."""
    found = db.session.scalars(accounts.organisation_by_slug(slug)).one_or_none()
    if found is None:
        raise NotFound
    policy.may_read_use(current_actor(), found.id).or_refuse()
    return found, policy.reach_of(current_actor(), found.id)


def _year() -> int:
    """The year that the address asks for; this one when it names none."""
    asked = request.args.get("year", "")
    is_year = asked.isascii() and asked.isdecimal() and len(asked) == 4 and EARLIEST <= int(asked) <= LATEST
    return int(asked) if is_year else clock.now().year


def _months(organisation: Organisation, reach: policy.Reach, year: int) -> list[Month]:
    found: Sequence[Any] = db.session.execute(queries.hours_by_month(organisation.id, reach, year)).all()
    return [
        Month(facility, date(year, int(month), 1), Hours(*(int(minutes) for minutes in amounts)))
        for facility, month, *amounts in found
    ]
