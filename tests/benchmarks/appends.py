"""Durable appends: one writer, several threads, several processes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

from pingregistrywf import RETRY_NO_VC, CmdInit, Journal, Workflows, open_journal

from .figures import Curve, Plot, Row, Side, Unit, at_least, at_most
from .measuring import Sample, Scale, counted, interleaved, repeated
from .peers import BareSqlite, EventSourced
from .stock import MESSAGE, ping
from .writers import HEAD_START, Writers, append, each_append

BARE = (
    "commits one transaction: BEGIN IMMEDIATE, an UPDATE of the head if it is the expected one, an"
    " INSERT of the event"
)


def begun(workflows: Workflows) -> UUID:
    """Begin a workflow."""
    workflow = uuid4()
    workflows.init(workflow, CmdInit(registry_id=uuid4()))
    return workflow


def threads(journal: Journal, number: int, window: float) -> float:
    """Let so many threads write to a workflow each for a while; return seconds an append."""
    workflows = Workflows(journal)
    named = [begun(workflows) for _ in range(number)]
    begin = time.monotonic() + HEAD_START
    write = partial(append, workflows, begin=begin, end=begin + window)
    with ThreadPoolExecutor(number) as pool:
        return each_append(begin, pool.map(write, named))


def measure(scale: Scale, directory: Path) -> tuple[list[Row], Plot]:
    """Measure durable appends by one writer and by several."""
    with ExitStack() as stack:
        bare = stack.enter_context(BareSqlite.opened(directory / "bare.db"))
        url = f"sqlite:{directory / 'ours.db'}"
        journal = stack.enter_context(open_journal(url))
        application = EventSourced(directory / "eventsourcing.db", cached=True)
        stack.callback(application.close)
        shared = begun(Workflows(journal))
        writers = stack.enter_context(Writers.started(url, shared, scale.writers))
        one = _one_writer(scale, bare, journal, application)
        several = interleaved(
            {
                "bare": repeated(partial(bare.append, bare.begin(), ping()), scale.window),
                "threads": partial(threads, journal, scale.writers, scale.window),
                "processes": partial(writers.write, scale.window),
            },
            scale.rounds,
        )
        fairness, longest = statistics.median(writers.fairness), max(writers.waits)
        plot = _by_writers(scale, journal, writers, several["bare"])
    return [*one, *_several_writers(scale, several, fairness, longest)], plot


def _one_writer(
    scale: Scale, bare: BareSqlite, journal: Journal, application: EventSourced
) -> list[Row]:
    workflows = Workflows(journal)

    def ours() -> float:
        act = partial(workflows.append_ping, begun(workflows), RETRY_NO_VC, 0, MESSAGE)
        return counted(act, scale.appends)

    def alone() -> float:
        return counted(partial(bare.append, bare.begin(), ping()), scale.appends)

    def save() -> float:
        workflow = application.begin()

        def act() -> None:
            workflow.append_ping(0, MESSAGE)
            application.save(workflow)

        return counted(act, scale.appends)

    def get_and_save() -> float:
        name = application.begin().id

        def act() -> None:
            workflow = application.repository.get(name)
            workflow.append_ping(0, MESSAGE)
            application.save(workflow)

        return counted(act, scale.appends)

    samples: dict[str, Sample] = {
        "ours": ours,
        "bare": alone,
        "save": save,
        "get and save": get_and_save,
    }
    found = interleaved(samples, scale.rounds)
    side = Side(
        "ours",
        f"calls `append_ping` with RETRY_NO_VC on a workflow of up to {scale.appends} pings: makes"
        " and checks the command, decides, commits the event durably, and advances the cached"
        " state",
        found["ours"],
    )
    path = "durable append, one thread"
    return [
        Row("append.bare", path, side, Side("sqlite3, bare", BARE, found["bare"]), at_least(0.65)),
        Row(
            "append.save",
            path,
            side,
            Side(
                "eventsourcing, `save`",
                "calls the command method of an aggregate that it holds, and saves it",
                found["save"],
            ),
        ),
        Row(
            "append.get-and-save",
            path,
            side,
            Side(
                "eventsourcing, get and `save`",
                "gets the aggregate from the repository, whose cache is on, calls its command"
                " method, and saves it",
                found["get and save"],
            ),
        ),
    ]


def _several_writers(
    scale: Scale, found: dict[str, float], fairness: float, longest: float
) -> list[Row]:
    number = scale.writers
    bare = Side("sqlite3, bare, one thread", BARE, found["bare"])
    by_threads = Side(
        "ours, all together",
        f"{number} threads of one process call `append_ping` with RETRY_NO_VC, each on a workflow"
        " of its own; the time is divided by all their appends",
        found["threads"],
    )
    does = (
        f"{number} processes call `append_ping` with RETRY_NO_VC on the same workflow; the time is"
        " divided by all their appends"
    )
    processes = f"{number} processes on one workflow"
    return [
        Row(
            "append.threads",
            f"{number} threads on {number} workflows",
            by_threads,
            bare,
            at_least(1.2),
        ),
        Row(
            "append.processes",
            processes,
            Side("ours, all together", does, found["processes"]),
            bare,
            at_least(0.35),
        ),
        Row(
            "append.fairness",
            f"{processes}: fairness",
            Side(
                "ours, slowest of fastest",
                "the appends of the slowest process for each of the fastest, the median of the"
                " rounds",
                fairness,
                Unit.SHARE,
            ),
            goal=at_least(0.6),
        ),
        Row(
            "append.longest-wait",
            f"{processes}: longest wait",
            Side(
                "ours",
                "the longest time that one append took in all rounds",
                longest,
            ),
            goal=at_most(0.25),
        ),
    ]


def _by_writers(scale: Scale, journal: Journal, writers: Writers, bare: float) -> Plot:
    numbers = [1 << power for power in range(scale.writers.bit_length())]

    def curve(name: str, write: Callable[[int], float]) -> Curve:
        found = interleaved({number: partial(write, number) for number in numbers}, scale.few)
        return Curve(name, tuple(found.items()))

    window = scale.window / 2
    return Plot(
        "writers",
        "Appends a second by the number of writers",
        "writers",
        (
            curve("threads, a workflow each", lambda number: threads(journal, number, window)),
            curve("processes, one workflow", lambda number: writers.write(window, number)),
            Curve("sqlite3, bare, one thread", tuple((number, bare) for number in numbers)),
        ),
        per_second=True,
    )
