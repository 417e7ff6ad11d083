"""Loads the demo: the catalogue, invented organisations and people, an open round with 24 requests, some bookings.

Everything goes through the services that the pages use, with dates in the past where the story needs it. Loading
again adds what is missing and changes nothing else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from accounts import queries as accounts_queries
from accounts.content import OrganisationContent
from accounts.models import Organisation, OrganisationType
from accounts.policy import SYSTEM, Actor, Role
from accounts.services import memberships, organisations, people, posts
from booking.demo_requests import SHIFT_MINUTES, WEEKS, Beam, DemoRequest, demo_requests, held_back
from booking.demo_staff import load_staff
from booking.lifecycle import RequestState, RoundState
from booking.models import BookingKind, Feasibility, Request, Review, Round
from booking.queries import rounds as round_queries
from booking.queries.swaps import Slot
from booking.recurrence import Pattern, Weekly
from booking.services import ledger, requests, reviews, rounds, trouble, use
from booking.services.reviews import Verdict
from booking.services.rounds import EntitlementContent, HoldContent, RoundContent
from booking.services.series import SeriesWish, book_series
from core import clock
from core.config import ROOT
from core.db import db
from core.intervals import Interval
from facilities.models import Facility, Instrument
from facilities.openings import WeeklyShift, local_instant, shifts_between
from facilities.policy import BookingMode
from facilities.services import import_catalogue

CATALOGUE = ROOT / "facilities" / "data" / "facilities.json"
PASSWORD = "equora-demo"  # noqa: S105 - it is printed for everybody who tries the demo
FACILITY = "cnao"
ROUND = "demo-xpr-s1"
ZONE = ZoneInfo("Europe/Rome")
LEAD = timedelta(weeks=6)
"""From today to the first Monday of the round's time, at least."""

Say = Callable[[str], None]


class DemoOrganisation(NamedTuple):
    """An invented member of the cluster; the round's weights are 3, 3, 2, 1, 1."""

    slug: str
    name: str
    short_name: str
    type: OrganisationType
    weight: float
    member: str


class DemoPerson(NamedTuple):
    """An invented person; `role` is what they show in the demo, `place` the organisation or facility of it."""

    email: str
    name: str
    language: str
    role: Role
    place: str


ORGANISATIONS = (
    DemoOrganisation(
        "demo-university", "Università (demo)", "UNI", OrganisationType.UNIVERSITY, 3, "anna.member@example.org"
    ),
    DemoOrganisation(
        "demo-hospital", "Ospedale (demo)", "OSP", OrganisationType.HOSPITAL, 3, "irene.hospital@example.org"
    ),
    DemoOrganisation(
        "demo-public-research",
        "Ente pubblico di ricerca (demo)",
        "EPR",
        OrganisationType.PUBLIC_RESEARCH,
        2,
        "paolo.research@example.org",
    ),
    DemoOrganisation("demo-sme", "PMI (demo)", "PMI", OrganisationType.SME, 1, "sara.sme@example.org"),
    DemoOrganisation(
        "demo-company-large",
        "Grande impresa (demo)",
        "GI",
        OrganisationType.COMPANY_LARGE,
        1,
        "luca.company@example.org",
    ),
)
PEOPLE = (
    DemoPerson("anna.member@example.org", "Anna Membro", "it", Role.MEMBER, "demo-university"),
    DemoPerson("davide.delegate@example.org", "Davide Delegato", "it", Role.DELEGATE, "demo-university"),
    DemoPerson("rita.reviewer@example.org", "Rita Revisora", "it", Role.REVIEWER, FACILITY),
    DemoPerson("marco.manager@example.org", "Marco Gestore", "it", Role.MANAGER, FACILITY),
    DemoPerson("olga.office@example.org", "Olga Ufficio", "it", Role.OFFICE, ""),
    DemoPerson("irene.hospital@example.org", "Irene Ospedale", "it", Role.MEMBER, "demo-hospital"),
    DemoPerson("paolo.research@example.org", "Paolo Ricerca", "it", Role.MEMBER, "demo-public-research"),
    DemoPerson("sara.sme@example.org", "Sara Impresa", "en", Role.MEMBER, "demo-sme"),
    DemoPerson("luca.company@example.org", "Luca Industria", "en", Role.MEMBER, "demo-company-large"),
)


@dataclass(frozen=True)
class Calendar:
    """The dates of the demo's story, counted from the day on which it is loaded."""

    now: datetime

    @property
    def monday(self) -> date:
        """The first day of the round's time."""
        earliest = (self.now + LEAD).astimezone(ZONE).date()
        return earliest + timedelta(days=-earliest.weekday() % 7)

    @property
    def horizon(self) -> Interval:
        """Twelve weeks, from local Monday to local Monday."""
        return Interval(_midnight(self.monday), _midnight(self.monday + timedelta(weeks=WEEKS)))

    @property
    def deadline(self) -> datetime:
        """Four weeks before the round's time begins; always ahead of now."""
        return local_instant(self.monday - timedelta(weeks=4), 12 * 60, ZONE)

    def days_ago(self, days: float) -> datetime:
        """An instant of the past."""
        return self.now - timedelta(days=days)


def _midnight(day: date) -> datetime:
    return local_instant(day, 0, ZONE)


def is_complete() -> bool:
    """Whether all requests of the demo's round were sent and judged."""
    found = db.session.scalars(round_queries.round_by_slug(ROUND)).one_or_none()
    if found is None:
        return False
    scored = select(Review.id).join(Request, Request.id == Review.request_id).where(Request.round_id == found.id)
    return len(db.session.scalars(scored).all()) >= len(demo_requests(_beam(found)))


def load(say: Say, now: datetime) -> None:
    """Load whatever is missing; `say` is told of each step."""
    calendar = Calendar(now)
    say("catalogue of facilities")
    import_catalogue(Path(CATALOGUE), SYSTEM, now)
    say("organisations and people")
    with clock.frozen_at(calendar.days_ago(60)):
        _load_organisations(clock.now())
        _load_people(clock.now())
    say("who is qualified and on duty")
    _load_staff(now)
    say("round and requests")
    round_id = _load_round(calendar)
    _load_requests(round_id, calendar)
    say("bookings and a closure")
    _load_bookings(calendar)


# organisations and people ---------------------------------------------------------------------------------------------


def _load_organisations(now: datetime) -> None:
    for wanted in ORGANISATIONS:
        if db.session.scalars(accounts_queries.organisation_by_slug(wanted.slug)).first() is None:
            content = OrganisationContent(
                name=wanted.name,
                type=wanted.type,
                short_name=wanted.short_name,
                city="Milano",
                province="MI",
                slug=wanted.slug,
                demo=True,
            )
            organisations.create_organisation(content, SYSTEM, now)


def _load_people(now: datetime) -> None:
    for wanted in PEOPLE:
        if db.session.scalars(accounts_queries.person_by_email(wanted.email)).first() is None:
            is_office = wanted.role is Role.OFFICE
            person_id = people.create_person(
                wanted.email, wanted.name, PASSWORD, SYSTEM, now, wanted.language, is_office, demo=True
            )
            _give_role(person_id, wanted, now)


def _give_role(person_id: UUID, wanted: DemoPerson, now: datetime) -> None:
    if wanted.role in (Role.MEMBER, Role.DELEGATE):
        memberships.add_membership(person_id, _organisation(wanted.place).id, wanted.role, SYSTEM, now)
    elif wanted.role in (Role.MANAGER, Role.REVIEWER):
        posts.appoint(person_id, _facility(wanted.place).id, wanted.role, SYSTEM, now)


def _organisation(slug: str) -> Organisation:
    return db.session.scalars(accounts_queries.organisation_by_slug(slug)).one()


def _facility(slug: str) -> Facility:
    return db.session.scalars(select(Facility).where(Facility.slug == slug)).one()


def _actor(email: str) -> Actor:
    person = db.session.scalars(accounts_queries.person_by_email(email)).one()
    return accounts_queries.actor_of(db.session(), person.id)


# round and requests ---------------------------------------------------------------------------------------------------


def _load_staff(now: datetime) -> None:
    trained = [_actor(email).person_id for email in ("anna.member@example.org", "paolo.research@example.org")]
    beams = [beam.id for beam in _beams().values()]
    manager, today = _actor("marco.manager@example.org"), now.astimezone(ZONE).date()
    load_staff(_facility(FACILITY), beams, [one for one in trained if one], manager, today, now)


def _beams() -> Mapping[str, Instrument]:
    """The instruments of the demo's round by ion."""
    return {row.configuration: row for row in _facility(FACILITY).instruments if row.configuration in ("p", "C")}


def _beam(round_: Round) -> Beam:
    return _beam_in(Interval(round_.horizon_start, round_.horizon_end))


def _beam_in(horizon: Interval) -> Beam:
    beams = _beams()
    plan = beams["C"].operating_plan
    weekly = [WeeklyShift(row.weekday, row.start_minute, row.minutes) for row in plan.shifts] if plan else []
    return Beam(
        horizon=horizon,
        zone=ZONE,
        shifts=tuple(shifts_between(weekly, ZONE, horizon)),
        instruments={ion: row.id for ion, row in beams.items()},
    )


def _load_round(calendar: Calendar) -> UUID:
    known = db.session.scalars(round_queries.round_by_slug(ROUND)).one_or_none()
    opened = calendar.days_ago(21)
    manager = _actor("marco.manager@example.org")
    round_id = known.id if known else rounds.create(_round_content(calendar), manager, opened, key="demo-round")
    made = db.session.scalars(round_queries.round_by_id(round_id)).one()
    if made.state is RoundState.DRAFT:
        rounds.open_call(round_id, made.version, manager, opened)
    return round_id


def _round_content(calendar: Calendar) -> RoundContent:
    beam = _beam_in(calendar.horizon)
    return RoundContent(
        slug=ROUND,
        demo=True,
        title_it="Sala sperimentale XPR: fasci di protoni e ioni carbonio, 12 settimane (demo)",
        title_en="XPR experimental room: proton and carbon beams, 12 weeks (demo)",
        description_it=(
            "Turni di 8 ore nel fine settimana e blocchi notturni di 4 ore per radiobiologia, rivelatori, materiali. "
            "Bando inventato: le richieste sono dimostrative, gli orari ipotizzati."
        ),
        description_en=(
            "Weekend shifts of 8 hours and night blocks of 4 hours for radiobiology, detectors, materials. "
            "This call is invented: its requests are examples, its hours are assumptions."
        ),
        opens_at=calendar.days_ago(21),
        deadline_at=calendar.deadline,
        horizon_start=calendar.horizon.start,
        horizon_end=calendar.horizon.end,
        instrument_ids=tuple(beam.instruments[ion] for ion in ("p", "C")),
        entitlements=tuple(EntitlementContent(_organisation(row.slug).id, row.weight) for row in ORGANISATIONS),
        holds=tuple(
            HoldContent(
                shift.start, shift.end, "Riserva / buffer" if shift.minutes == SHIFT_MINUTES else "Commissioning"
            )
            for shift in held_back(beam)
        ),
    )


def _load_requests(round_id: UUID, calendar: Calendar) -> None:
    found = db.session.scalars(round_queries.round_by_id(round_id)).one()
    if found.state is not RoundState.OPEN:
        return  # the story has gone on without us
    owners = {row.type.value: row for row in ORGANISATIONS}
    for place, wanted in enumerate(demo_requests(_beam(found))):
        owner = owners[wanted.organisation_type]
        with clock.frozen_at(calendar.days_ago(20 - place / 2)):
            request_id = _send(round_id, wanted, owner, clock.now())
        with clock.frozen_at(calendar.days_ago(3 - place / 24)):
            _review(request_id, wanted.score, clock.now())


def _send(round_id: UUID, wanted: DemoRequest, owner: DemoOrganisation, now: datetime) -> UUID:
    actor = _actor(owner.member)
    request_id = requests.begin(round_id, _organisation(owner.slug).id, actor, now, key=f"demo-{wanted.code}")
    row = db.session.scalars(round_queries.request_to_lock(request_id)).one()
    if row.state is RequestState.DRAFT:
        version = requests.save(request_id, wanted.content, row.version, actor, now)
        requests.submit(request_id, actor, now, version)
    return request_id


def _review(request_id: UUID, score: float, now: datetime) -> None:
    row = db.session.scalars(round_queries.request_with_content(request_id)).one()
    if row.review is None and row.state is RequestState.SUBMITTED:
        verdict = Verdict(Feasibility.FEASIBLE, safety_is_cleared=True, score_given=score)
        reviews.review(request_id, verdict, row.version, _actor("rita.reviewer@example.org"), now)


# bookings -------------------------------------------------------------------------------------------------------------


def _load_bookings(calendar: Calendar) -> None:
    """Next week's Tuesday on the first two instant instruments, and maintenance on the third."""
    free = select(Instrument).where(
        Instrument.booking_mode == BookingMode.INSTANT, Instrument.operating_plan_id.is_(None)
    )
    instruments = db.session.scalars(free.order_by(Instrument.facility_id, Instrument.position).limit(40)).all()
    hourly = sorted(
        (row for row in instruments if row.slot_minutes <= 60 <= row.most_minutes), key=lambda row: row.slug
    )
    today = calendar.now.astimezone(ZONE).date()
    tuesday = today + timedelta(days=8 - today.weekday())
    for place, (instrument, email) in enumerate(
        zip(hourly, ("anna.member@example.org", "irene.hospital@example.org", "sara.sme@example.org"), strict=False)
    ):
        actor = _actor(email)
        minutes = max(120, instrument.least_minutes)
        start = local_instant(tuesday, (9 + place) * 60, ZONE)
        end = start + timedelta(minutes=minutes)
        organisation_id = next(iter(actor.memberships))
        ledger.book(
            instrument.id,
            organisation_id,
            start,
            end,
            "Demo: prova / trial",
            actor,
            calendar.now,
            f"demo-booking-{place}",
        )
    if hourly:
        _use_and_complain(hourly[0], calendar)
        _repeat(hourly[0], tuesday + timedelta(days=9), calendar.now)
        _offer_a_swap(hourly[0], tuesday, calendar.now)
    _ask(tuesday, calendar.now)
    if len(hourly) > 3:
        start = local_instant(tuesday, 8 * 60, ZONE)
        ledger.close(
            hourly[3].id,
            start,
            start + timedelta(hours=6),
            BookingKind.MAINTENANCE,
            "Demo: manutenzione / maintenance",
            _actor("olga.office@example.org"),
            calendar.now,
            "demo-closure",
        )


def _use_and_complain(instrument: Instrument, calendar: Calendar) -> None:
    """Yesterday a member worked there, left before the end and reported what went wrong."""
    anna = _actor("anna.member@example.org")
    yesterday = calendar.now.astimezone(ZONE).date() - timedelta(days=1)
    start = local_instant(yesterday, 9 * 60, ZONE)
    end = start + timedelta(minutes=max(120, instrument.least_minutes))
    asked = calendar.days_ago(3)
    organisation_id = next(iter(anna.memberships))
    made = ledger.book(instrument.id, organisation_id, start, end, "Demo: prova / trial", anna, asked, "demo-used")
    use.check_in(made, anna, start)
    use.check_out(made, anna, end - timedelta(minutes=10))
    text = "Demo: la lampada si è spenta / the lamp went out"
    trouble.report(made, text, 20, anna, calendar.now, "demo-trouble")


def _repeat(instrument: Instrument, first: date, now: datetime) -> None:
    """A member books the same weekday three times."""
    anna, start = _actor("anna.member@example.org"), 14 * 60
    days, end = divmod(start + max(120, instrument.least_minutes), 24 * 60)
    pattern = Pattern(Weekly(1, frozenset({first.weekday()})), first, start, end, days, count=3)
    wish = SeriesWish(pattern, instrument.id, next(iter(anna.memberships)), "Demo: prova / trial")
    book_series(wish, anna, now, "demo-series")


def _offer_a_swap(instrument: Instrument, tuesday: date, now: datetime) -> None:
    """Somebody offers their Wednesday for a member's Tuesday."""
    irene = _actor("irene.hospital@example.org")
    wanted, start = (local_instant(tuesday + timedelta(days=days), 9 * 60, ZONE) for days in (0, 1))
    end = start + timedelta(minutes=max(120, instrument.least_minutes))
    title, organisation_id = "Demo: prova / trial", next(iter(irene.memberships))
    made = ledger.book(instrument.id, organisation_id, start, end, title, irene, now, "demo-swapped")
    message = "Demo: martedì mi serve / I need the Tuesday"
    ledger.offer_swap(made, Slot(instrument.id, 0, wanted), message, irene, now, "demo-swap")


def _ask(tuesday: date, now: datetime) -> None:
    """A member waits for a manager's approval."""
    hourly = select(Instrument).where(Instrument.booking_mode == BookingMode.APPROVAL, Instrument.slot_minutes == 60)
    instrument = db.session.scalars(hourly.order_by(Instrument.slug).limit(1)).one_or_none()
    if instrument is None:
        return
    irene, start = _actor("irene.hospital@example.org"), local_instant(tuesday, 15 * 60, ZONE)
    end = start + timedelta(minutes=max(120, instrument.least_minutes))
    title, organisation_id = "Demo: prova / trial", next(iter(irene.memberships))
    ledger.book(instrument.id, organisation_id, start, end, title, irene, now, "demo-asked")


def now_for_demo() -> datetime:
    """The moment from which the story is told: the last full hour, so that its dates look like dates."""
    return clock.now().astimezone(UTC).replace(minute=0, second=0)
