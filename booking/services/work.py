"""Tasks of a run of the solver, shared among workers: offered, taken, answered, and forgotten with the run.

A worker that dies leaves its row taken: the run does that task itself after a while, and whoever is rung again may
take it once LEASE has passed. An answer is written once; a second one of the same task would be the same.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, select, update

from booking.models import Plan, PlanTask
from booking.planning import Document, Hands, Offer, Share
from booking.queries import plans as queries
from core.db import Tx, db, transaction

LEASE = timedelta(seconds=60)
"""How long a worker may be at a task before it is taken for dead: tasks take seconds."""
KEPT = timedelta(hours=1)
"""Rows of a run that never came to its end; no run takes so long."""


def share(plan_id: UUID, offer: Offer, now: datetime) -> tuple[Share, list[str]]:
    """What the run gets for its offer, and the keys of tasks that are free for others: ring for those."""
    known = {row.key: row for row in db.session.scalars(queries.tasks(plan_id, offer.awaits))}
    db.session.rollback()  # a run asks often: nothing stays open between its questions
    if not offer.finished and len(known) == len(offer.awaits) and not _for_the_run(offer, known):
        return Share((), _answers(known)), []
    with transaction() as tx:
        _answer(tx, plan_id, offer.finished)
        rows = {row.key: row for row in tx.session.scalars(queries.tasks(plan_id, offer.awaits).with_for_update())}
        for key in offer.awaits:
            if key not in rows:
                body = _packed(offer.tasks[key]) if key in offer.tasks else None
                rows[key] = PlanTask(plan_id=plan_id, key=key, body=body, created_at=now)
                tx.session.add(rows[key])
        tx.session.flush()
        mine = _for_the_run(offer, rows)
        tx.session.execute(
            update(PlanTask).where(*_those(plan_id, mine), PlanTask.body.is_not(None)).values(taken_at=now)
        )
        return Share(mine, _answers(rows)), [key for key in _free(offer.tasks, rows) if key not in mine]


def perform(plan_id: UUID, key: str, hands: Hands, now: datetime) -> bool:
    """Take a task, do it and write its answer; False when there is nothing to do, or no more."""
    with transaction() as tx:
        body = _take(tx, plan_id, key, now)
    if body is None:
        return False
    try:
        answer = hands.perform(_unpacked(body), lambda: _problem(plan_id))
    except BaseException:
        with transaction() as tx:
            tx.session.execute(update(PlanTask).where(*_those(plan_id, [key])).values(taken_at=None))
        raise
    with transaction() as tx:
        _answer(tx, plan_id, {key: answer})
    return True


def forget(plan_id: UUID) -> None:
    """Delete a run's tasks: it has come to its end."""
    with transaction() as tx:
        tx.session.execute(delete(PlanTask).where(PlanTask.plan_id == plan_id))


def tidy(now: datetime) -> None:
    """Delete what runs that never ended have left."""
    with transaction() as tx:
        tx.session.execute(delete(PlanTask).where(PlanTask.created_at < now - KEPT))


def _for_the_run(offer: Offer, rows: Mapping[str, PlanTask]) -> tuple[str, ...]:
    """What the run may do now: what nobody is at, in its order; else what others have probably begun last."""
    free = _free(offer.awaits, rows)
    if free or not offer.insists:
        return tuple(free[: offer.want])
    return tuple(key for key in reversed(offer.awaits) if key in rows and rows[key].answer is None)[: offer.want]


def _free(keys: Iterable[str], rows: Mapping[str, PlanTask]) -> list[str]:
    return [key for key in keys if key in rows and rows[key].answer is None and rows[key].taken_at is None]


def _answers(rows: Mapping[str, PlanTask]) -> dict[str, str]:
    return {key: _unpacked(row.answer) for key, row in rows.items() if row.answer is not None}


def _take(tx: Tx, plan_id: UUID, key: str, now: datetime) -> bytes | None:
    """The body of a task that is now taken; None when it is answered, gone, the run's own, or taken by the living."""
    is_free = or_(PlanTask.taken_at.is_(None), PlanTask.taken_at < now - LEASE)
    return tx.session.scalar(
        update(PlanTask)
        .where(*_those(plan_id, [key]), PlanTask.answer.is_(None), PlanTask.body.is_not(None), is_free)
        .values(taken_at=now)
        .returning(PlanTask.body)
        .execution_options(synchronize_session=False)
    )


def _answer(tx: Tx, plan_id: UUID, answers: Mapping[str, str]) -> None:
    """Write answers where there is none yet; what was asked is not needed any more."""
    for key, text in answers.items():
        tx.session.execute(
            update(PlanTask)
            .where(*_those(plan_id, [key]), PlanTask.answer.is_(None))
            .values(answer=_packed(text), body=None)
            .execution_options(synchronize_session=False)
        )


def _those(plan_id: UUID, keys: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    return PlanTask.plan_id == plan_id, PlanTask.key.in_(keys)


def _problem(plan_id: UUID) -> Document:
    document: Document = db.session.scalars(select(Plan.problem).where(Plan.id == plan_id)).one()
    db.session.rollback()  # no transaction stays open while the task is done
    return document


def _packed(text: str) -> bytes:
    return zlib.compress(text.encode())


def _unpacked(packed: bytes) -> str:
    return zlib.decompress(packed).decode()
