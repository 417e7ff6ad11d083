"""Equora's application factory: configuration, extensions, blueprints, error pages."""

import logging

from apiflask import APIFlask
from flask import Flask
from flask_migrate import Migrate

import accounts.access
import accounts.commands
import accounts.views
import api.v1
import booking.commands
import booking.views.bookings
import booking.views.calendar
import booking.views.changes
import booking.views.closures
import booking.views.deputies
import booking.views.finding
import booking.views.home
import booking.views.inbox
import booking.views.instruments
import booking.views.labels
import booking.views.queue
import booking.views.requests
import booking.views.rounds
import booking.views.rules
import booking.views.series
import booking.views.shares
import booking.views.swaps
import booking.views.trouble
import booking.views.use
import booking.views.waitlist
import calendars.commands
import calendars.views
import core.mailbox
import core.web
import facilities.commands
import facilities.views
import jobs.commands
import jobs.engine
from core.config import ROOT, Settings, install, settings_from
from core.db import db

OPEN_DEMO = (
    "THE DEMO IS ON AT %s: everybody who reaches it can sign in as its cluster office and read all outgoing mail. "
    "Set EQUORA_DEMO=0 unless everything in it is invented."
)


def create_app(settings: Settings | None = None) -> Flask:
    """Build the application; settings come from the environment unless given."""
    settings = settings or settings_from()
    install(settings)
    app = APIFlask(
        "app",
        root_path=str(ROOT),
        title="Equora",
        version="1",
        spec_path="/api/v1/openapi.json",
        docs_path=None,
        json_errors=False,
    )
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url
    app.config["SETTINGS"] = settings
    db.init_app(app)
    Migrate(app, db, directory=str(ROOT / "migrations"), compare_type=True)
    core.web.init_app(app, settings)
    accounts.access.init_app(app)
    jobs.engine.init_app(app, settings)
    for blueprint in (
        accounts.views.blueprint,
        facilities.views.blueprint,
        booking.views.home.blueprint,
        booking.views.instruments.blueprint,
        booking.views.bookings.blueprint,
        booking.views.changes.blueprint,
        booking.views.swaps.blueprint,
        booking.views.inbox.blueprint,
        booking.views.deputies.blueprint,
        booking.views.calendar.blueprint,
        booking.views.finding.blueprint,
        booking.views.requests.blueprint,
        booking.views.queue.blueprint,
        booking.views.rounds.blueprint,
        booking.views.rules.blueprint,
        booking.views.use.blueprint,
        booking.views.waitlist.blueprint,
        booking.views.labels.blueprint,
        booking.views.trouble.blueprint,
        booking.views.shares.blueprint,
        booking.views.series.blueprint,
        calendars.views.blueprint,
        api.v1.blueprint,
    ):
        app.register_blueprint(blueprint)
    if settings.demo:
        if not settings.is_local:
            logging.getLogger("equora").warning(OPEN_DEMO, settings.public_url)
        app.register_blueprint(core.mailbox.blueprint)
    for commands in (accounts.commands, facilities.commands, booking.commands, calendars.commands, jobs.commands):
        commands.init_app(app)
    return app
