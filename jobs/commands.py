"""Commands of the task engine: the worker, and doing what is due without one."""

import os
import warnings
from typing import Any

import click
from celery.exceptions import SecurityWarning

from jobs.engine import ALLOCATION_QUEUE, QUEUE, celery
from jobs.tasks import perform_all_due


def init_app(app: Any) -> None:
    """Add the commands to `flask --app app`."""

    @app.cli.command("worker")
    @click.option("--concurrency", default=2, show_default=True, help="Messages done at the same time.")
    @click.option("--beat/--no-beat", default=True, help="Also ring for scheduled work; exactly one worker should.")
    @click.option("--only-allocation", is_flag=True, help="Help with plans, and do nothing else; give it --no-beat.")
    def worker(concurrency: int, beat: bool, only_allocation: bool) -> None:
        """Run a worker until it is told to stop."""
        # Celery warns of root because of pickle; our messages are JSON only, and in a container root is common.
        warnings.filterwarnings("ignore", category=SecurityWarning)
        arguments = ["-q", "worker", "-P", "threads", "-c", str(concurrency), "-l", "WARNING"]
        arguments += ["--without-gossip", "--without-mingle", "-n", f"equora-{os.getpid()}@%h"]
        arguments += ["-Q", ALLOCATION_QUEUE if only_allocation else f"{QUEUE},{ALLOCATION_QUEUE}"]
        celery.worker_main([*arguments, *(["-B"] if beat else [])])

    @app.cli.command("perform-due")
    def perform_due() -> None:
        """Do everything that waits in the outbox, in this process."""
        click.echo(f"{perform_all_due()} done")
