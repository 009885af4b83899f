"""Finding the state of a workflow, with a cache and without, and what it holds in memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Hashable
from functools import partial
from pathlib import Path
from uuid import UUID

from pingregistrywf import State, Workflows, open_journal

from .figures import Ratio, Row, Side, Unit, at_least, at_most
from .measuring import Sample, Scale, counted, interleaved, repeated
from .peers import BareSqlite, EventSourced, EventSourcedWorkflow
from .stock import MESSAGE, PAGE, Stock

FEW = 10
"""The pings of the workflow that is found again and again."""


def rows(scale: Scale, directory: Path, stock: Stock) -> list[Row]:
    """Measure what reading a workflow costs."""
    return [
        *_warm(scale, directory, stock),
        *_cold(scale, directory, stock),
        _remembered(stock, scale.remembered),
        _stored(stock, scale.remembered),
    ]


def find(url: str, workflow: UUID) -> State:
    """Return the state of a workflow, without a cache."""
    with open_journal(url) as journal:
        return Workflows(journal).find_id(workflow)


def _warm(scale: Scale, directory: Path, stock: Stock) -> list[Row]:
    workflows = Workflows(stock.journal)
    application = EventSourced(directory / "cached.db", cached=True)
    with BareSqlite.opened(directory / "heads.db") as bare:
        acts: dict[str, Callable[[], object]] = {
            "ours": partial(workflows.find_id, stock.workflow(FEW)),
            "bare": partial(bare.head, bare.begin()),
            "get": partial(application.repository.get, application.begin(FEW, MESSAGE).id),
        }
        found = interleaved(
            {name: repeated(act, scale.seconds) for name, act in acts.items()}, scale.rounds
        )
    application.close()
    path = "find, warm cache"
    ours = Side(
        "ours",
        f"calls `find_id` for a workflow of {FEW} pings whose state is cached: asks the journal for"
        " what came after, which is nothing",
        found["ours"],
    )
    bare_side = Side(
        "sqlite3, bare", "selects the head by its primary key, and fetches it", found["bare"]
    )
    get = Side(
        "eventsourcing, cached get",
        "gets the aggregate from the repository, whose cache is on: selects what came after, and"
        " copies the cached aggregate",
        found["get"],
    )
    return [
        Row("find.bare", path, ours, bare_side, at_least(0.35)),
        Row("find.get", path, ours, get),
    ]


def _cold(scale: Scale, directory: Path, stock: Stock) -> list[Row]:
    file = directory / "replayed.db"
    application = EventSourced(file, cached=False)
    sizes = (scale.long, scale.longest)
    names = {pings: application.begin(pings, MESSAGE).id for pings in sizes}
    application.close()

    def get(pings: int) -> None:
        opened = EventSourced(file, cached=False)
        found: EventSourcedWorkflow = opened.repository.get(names[pings])
        assert len(found.pings) == pings
        opened.close()

    samples: dict[Hashable, Sample] = {}
    for pings in sizes:
        own = partial(find, stock.url, stock.workflow(pings))
        samples["ours", pings] = partial(counted, own, 1)
        samples["get", pings] = partial(counted, partial(get, pings), 1)
    found = interleaved(samples, scale.few)
    ours = {
        pings: Side(
            "ours",
            "opens the journal, calls `find_id`, and closes it: each event is read, its checksum"
            " and its place in the chain are checked, and it is applied",
            found["ours", pings],
        )
        for pings in sizes
    }
    peers = {
        pings: Side(
            "eventsourcing, get",
            "constructs the application, gets the aggregate from the repository without a cache or"
            " a snapshot, and closes the application",
            found["get", pings],
        )
        for pings in sizes
    }
    each = {
        pings: Side(f"ours, of {pings:,}", ours[pings].does, found["ours", pings] / pings)
        for pings in sizes
    }
    return [
        *(
            Row(key, f"cold replay of {pings:,} events", ours[pings], peers[pings], at_least(5))
            for key, pings in (("replay.long", scale.long), ("replay.longest", scale.longest))
        ),
        Row(
            "replay.growth",
            "cold replay: growth an event",
            each[scale.longest],
            each[scale.long],
            at_most(1.2),
            Ratio.COST,
        ),
    ]


def _remembered(stock: Stock, pings: int) -> Row:
    workflow, workflows = stock.workflow(pings), Workflows(stock.journal)
    tracemalloc.start()
    state = workflows.find_id(workflow)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert state.num_pings == pings
    return Row(
        "memory",
        "memory of a ping",
        Side(
            "ours",
            f"calls `find_id` for a workflow of {pings:,} pings with messages of {len(MESSAGE)}"
            " characters; what tracemalloc sees allocated then, state and cache, is divided by the"
            " pings",
            taken / pings,
            Unit.BYTES,
        ),
        goal=at_most(200),
    )


def _stored(stock: Stock, pings: int) -> Row:
    before = stock.pages()
    stock.write(pings)
    return Row(
        "file",
        "the file, a ping",
        Side(
            "ours",
            f"appends {pings:,} pings with messages of {len(MESSAGE)} characters; what the file"
            " has grown by is divided by the pings",
            (stock.pages() - before) * PAGE / pings,
            Unit.BYTES,
        ),
    )
