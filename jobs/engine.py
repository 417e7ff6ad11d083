"""Celery, bound to the application: it only rings, the work itself stands in the database."""

import logging
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from celery import Celery
from kombu import Exchange, Queue
from kombu.exceptions import OperationalError
from kombu.transport import TRANSPORT_ALIASES

from core import outbox
from core.config import Settings

PERFORM = "equora.perform"
SWEEP = "equora.sweep"
TIDY = "equora.tidy"
WAITLIST = "equora.waitlist"
RELEASE = "equora.release"
SETTLE = "equora.settle"
ALLOCATE = "equora.allocate"
EXCHANGE, QUEUE, ALLOCATION_QUEUE = "equora-work", "equora", "equora-allocation"
"""Tasks of the solver have a queue of their own, so that no mail waits behind them."""
SWEEP_SECONDS = 5.0
TIDY_SECONDS = 3600.0
WAITLIST_SECONDS = 60.0
RELEASE_SECONDS = 60.0
SETTLE_SECONDS = 600.0

TRANSPORT_ALIASES["filesystem"] = "jobs.transport:Transport"  # kombu's own, made safe for readers

logger = logging.getLogger("equora.jobs")
celery = Celery("equora", include=["jobs.tasks", "jobs.allocation", "jobs.everyday"])


class Application(Protocol):
    """What the task engine needs of the web application: a context with its database."""

    def app_context(self) -> AbstractContextManager[Any]:
        """A context in which services can run."""


_applications: list[Application] = []


def init_app(app: Application, settings: Settings) -> None:
    """Bind Celery to the application and let the outbox ring it."""
    _applications[:] = [app]
    celery.conf.update(_configuration(settings))
    outbox.on_ring(ring)


def context() -> AbstractContextManager[Any]:
    """The application's context, for one task."""
    return _applications[0].app_context()


def ring(message_id: UUID) -> None:
    """Tell a worker of new work; if no broker answers, the sweeper finds it."""
    try:
        celery.send_task(PERFORM, (str(message_id),), retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("the broker did not answer, the sweeper will find %s: %s", message_id, error)


_ANY_BROKER: dict[str, Any] = {
    "task_queues": None,
    "task_default_exchange": None,
    "task_default_exchange_type": "direct",
    "task_default_routing_key": None,
    "task_default_queue_type": "classic",
    "worker_detect_quorum_queues": True,
    "broker_transport_options": {},
}
"""What some brokers set otherwise; said for all of them, because settings of an earlier application are kept."""


def _configuration(settings: Settings) -> dict[str, Any]:
    common: dict[str, Any] = {
        "broker_url": settings.broker_url,
        "broker_connection_retry_on_startup": True,
        "task_ignore_result": True,
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_default_queue": QUEUE,
        "task_routes": {ALLOCATE: {"queue": ALLOCATION_QUEUE}},
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        "worker_hijack_root_logger": False,
        "worker_send_task_events": False,
        "beat_schedule": {
            "sweep": {"task": SWEEP, "schedule": SWEEP_SECONDS, "options": {"expires": SWEEP_SECONDS}},
            "tidy": {"task": TIDY, "schedule": TIDY_SECONDS, "options": {"expires": TIDY_SECONDS}},
            "waitlist": {"task": WAITLIST, "schedule": WAITLIST_SECONDS, "options": {"expires": WAITLIST_SECONDS}},
            "release": {"task": RELEASE, "schedule": RELEASE_SECONDS, "options": {"expires": RELEASE_SECONDS}},
            "settle": {"task": SETTLE, "schedule": SETTLE_SECONDS, "options": {"expires": SETTLE_SECONDS}},
        },
        "beat_schedule_filename": str(settings.instance / "celerybeat-schedule"),
    }
    common |= _ANY_BROKER
    if settings.broker_url.startswith("filesystem://"):
        common |= _embedded(settings.instance / "queue")
    elif settings.broker_url.startswith("amqp"):
        common |= _quorum_queues()
    return common


def _quorum_queues() -> dict[str, Any]:
    """RabbitMQ's replicated queues; said in full, since what is left to defaults is declared in two ways."""
    exchange = Exchange(EXCHANGE, "topic")
    arguments = {"x-queue-type": "quorum"}
    names = (QUEUE, ALLOCATION_QUEUE)
    return {
        "task_queues": [Queue(name, exchange, routing_key=name, queue_arguments=arguments) for name in names],
        "task_default_exchange": EXCHANGE,
        "task_default_exchange_type": "topic",
        "task_default_routing_key": QUEUE,
        "task_default_queue_type": "quorum",
        "broker_transport_options": {"confirm_publish": True},
    }


def _embedded(folder: Path) -> dict[str, Any]:
    for name in ("messages", "control"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return {
        "broker_transport_options": {
            "data_folder_in": str(folder / "messages"),
            "data_folder_out": str(folder / "messages"),
            "control_folder": str(folder / "control"),
        },
    }
