"""Tasks: the same answers wherever they are done, however often, and whoever dies meanwhile."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from scheduler import Hands, Offer, Problem, Share, check, solve
from scheduler.large.grid import Grid
from scheduler.large.pool import Pool
from scheduler.large.remote import Shared
from scheduler.large.tasks import Answer, RunTasks, Task, answer_from_text, answer_to_text, perform
from tests.scheduler.makers import Json
from tests.scheduler.wide import a_wide_problem, best_plan, grid_of, some_tasks

SHORT, LONG = 300, 12_000


@pytest.fixture(scope="module")
def document() -> Json:
    return a_wide_problem()


@pytest.fixture(scope="module")
def grid(document: Json) -> Grid:
    return grid_of(document)


@pytest.fixture(scope="module")
def expected(grid: Grid) -> list[Answer]:
    return [perform(grid, task) for task in some_tasks(grid, SHORT)]


@pytest.fixture(scope="module")
def hands() -> Iterator[Hands]:
    made = Hands(1)
    yield made
    made.close()


class Board:
    """What a caller with helpers keeps: who is at which task, and the answers."""

    def __init__(self, hands: Hands, document: Json, helps: Callable[[str], bool] = lambda _key: True) -> None:
        self.hands, self.document, self.helps = hands, document, helps
        self.answers: dict[str, str] = {}
        self.taken: set[str] = set()
        self.offers: list[Offer] = []

    def __call__(self, offer: Offer) -> Share:
        """Helpers take all that is offered; what `helps` says no to they never finish."""
        self.offers.append(offer)
        self.answers |= offer.finished
        for key, text in offer.tasks.items():
            self.taken.add(key)
            if self.helps(key):
                self.answers[key] = self.hands.perform(text, lambda: self.document)
        free = [key for key in offer.awaits if key not in self.answers and (offer.insists or key not in self.taken)]
        return Share(tuple(free[: offer.want]), {k: self.answers[k] for k in offer.awaits if k in self.answers})


def local(grid: Grid) -> RunTasks:
    return lambda tasks: [perform(grid, task) for task in tasks]


def test_a_task_and_its_answer_survive_the_journey_as_text(grid: Grid, expected: list[Answer]) -> None:
    task = some_tasks(grid, SHORT)[0]
    assert expected[0]
    again = Task.from_text(task.to_text())
    assert again == task
    assert again.key == task.key
    assert answer_from_text(answer_to_text(expected[0])) == expected[0]


def test_tasks_that_differ_in_anything_have_other_keys(grid: Grid) -> None:
    tasks = [*some_tasks(grid, SHORT), *some_tasks(grid, SHORT + 1)]
    assert len({task.key for task in tasks}) == 8
    assert [task.key for task in tasks[:4]] == [task.key for task in some_tasks(grid, SHORT)]


def test_a_helper_that_never_saw_the_run_finds_the_same_answers(
    grid: Grid, document: Json, hands: Hands, expected: list[Answer]
) -> None:
    asked: list[Json] = []

    def problem() -> Json:
        asked.append(document)
        return document

    texts = [hands.perform(task.to_text(), problem) for task in some_tasks(grid, SHORT)]
    assert [answer_from_text(text) for text in texts] == expected
    assert len(asked) <= 1  # the process keeps the problem


def test_a_task_of_another_problem_is_refused(grid: Grid, document: Json) -> None:
    hands = Hands(1)
    with pytest.raises(ValueError, match="another problem"):
        hands.perform(some_tasks(grid, SHORT)[0].to_text(), lambda: document | {"grains": document["grains"] + 1})
    hands.close()


def test_a_run_takes_what_nobody_does_and_waits_for_no_dead_helper(
    grid: Grid, document: Json, hands: Hands, expected: list[Answer]
) -> None:
    tasks = some_tasks(grid, SHORT)
    board = Board(hands, document, helps=lambda key: key != tasks[2].key)
    began = time.monotonic()
    assert Shared(board, local(grid), 1).run(tasks) == expected
    assert time.monotonic() - began < 15
    assert set(board.offers[0].tasks) == {task.key for task in tasks[1:]}  # the first is its own
    assert any(offer.insists for offer in board.offers)


def test_a_run_that_hears_of_nobody_does_everything_itself(grid: Grid, expected: list[Answer]) -> None:
    asked: list[Offer] = []
    shared = Shared(asked.append, local(grid), 1)  # whose answer is None
    assert shared.run(some_tasks(grid, SHORT)) == expected
    assert shared.run(some_tasks(grid, SHORT)) == expected
    assert len(asked) == 1  # nobody once, nobody ever


def test_answers_that_are_known_already_are_not_sought_again(
    grid: Grid, document: Json, hands: Hands, expected: list[Answer]
) -> None:
    tasks = some_tasks(grid, SHORT)
    board = Board(hands, document)
    board.answers = {task.key: answer_to_text(answer) for task, answer in zip(tasks, expected, strict=True)}
    done: list[Task] = []
    assert Shared(board, lambda mine: [*map(perform_and_note(grid, done), mine)], 1).run(tasks) == expected
    assert done == []


def perform_and_note(grid: Grid, done: list[Task]) -> Callable[[Task], Answer]:
    def note(task: Task) -> Answer:
        done.append(task)
        return perform(grid, task)

    return note


def test_killed_processes_lose_nothing(grid: Grid) -> None:
    tasks = some_tasks(grid, LONG)
    expected = [perform(grid, task) for task in tasks]
    pool = Pool(grid, 2)
    killed: list[int] = []

    def kill_twice() -> None:
        for _ in range(2):
            time.sleep(0.3)
            while not (alive := [child for child in multiprocessing.active_children() if child.pid not in killed]):
                time.sleep(0.01)
            assert alive[0].pid is not None
            os.kill(alive[0].pid, signal.SIGKILL)
            killed.append(alive[0].pid)

    killer = threading.Thread(target=kill_twice)
    killer.start()
    assert pool.run(tasks) == expected
    killer.join()
    assert len(killed) == 2
    assert pool.run(tasks) == expected
    assert pool.deaths > 0
    pool.close()


def test_a_helper_whose_process_was_killed_starts_another(grid: Grid, document: Json, expected: list[Answer]) -> None:
    hands = Hands(1)
    text = some_tasks(grid, SHORT)[0].to_text()
    assert answer_from_text(hands.perform(text, lambda: document)) == expected[0]
    for process in list((hands.executor._processes or {}).values()):
        process.kill()
        process.join()
    assert answer_from_text(hands.perform(text, lambda: document)) == expected[0]
    hands.close()


def test_one_process_many_or_helpers_make_the_same_plan(document: Json, hands: Hands) -> None:
    board = Board(hands, document)
    plans = [best_plan(document), best_plan(document, workers=2), best_plan(document, share_work=board)]
    assert any(offer.tasks for offer in board.offers)
    assert plans[0] == plans[1] == plans[2]
    assert check(document, plans[0]) == []


def test_the_worker_process_shares_its_tasks_through_its_parent(document: Json, hands: Hands) -> None:
    board = Board(hands, document)
    plan = solve(
        Problem.from_json(document),
        time_limit=30,
        share_work=board,
        cancelled=lambda: any(offer.tasks for offer in board.offers[:-1]),
    )
    assert check(document, plan.to_json()) == []
    place, first = next((place, offer) for place, offer in enumerate(board.offers) if offer.tasks)
    assert set(board.offers[place + 1].awaits).isdisjoint(first.tasks)  # it has taken the helpers' answers
