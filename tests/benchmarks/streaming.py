"""What reading through the feed costs, and following a history, and what readers cost writers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

from pingregistrywf import CmdInit, Workflows, open_journal

from .figures import Ratio, Row, Side
from .measuring import Scale, counted, interleaved
from .reads import find
from .stock import Stock
from .writers import Writers


def rows(scale: Scale, directory: Path) -> list[Row]:
    """Measure the feed and the stream of a workflow, and appends while a feed is read."""
    streamed = directory / "streamed"
    streamed.mkdir()
    with Stock.opened(streamed) as stock:
        read = _read(scale, stock)
    return [*read, _written(scale, directory)]


def _read(scale: Scale, stock: Stock) -> list[Row]:
    workflow, events = stock.workflow(scale.long), scale.long + 1

    def feed() -> None:
        with open_journal(stock.url) as journal, Workflows(journal).feed() as feed:
            read = 0
            while changes := feed.read():
                read += len(changes)
        assert read == events

    def follow() -> None:
        with open_journal(stock.url) as journal:
            assert sum(1 for _ in Workflows(journal).follow(workflow, until=0)) == events

    acts = {"feed": feed, "follow": follow, "find": partial(find, stock.url, workflow)}
    found = interleaved({name: partial(counted, act, 1) for name, act in acts.items()}, scale.few)
    each = {name: value / events for name, value in found.items()}
    beside = Side(
        "ours, find",
        f"opens the journal, calls `find_id` for the workflow of {scale.long:,} pings, and closes"
        " it; divided by the events",
        each["find"],
    )
    what = {
        "feed": "reads the feed of the workflows to its end, a thousand at a time",
        "follow": "iterates over `follow` with `until=0`",
    }
    return [
        Row(
            f"stream.{name}",
            f"{name}: an event of {scale.long:,}",
            Side("ours", f"opens the journal and {does}; divided by the events", each[name]),
            beside,
            taken=Ratio.COST,
        )
        for name, does in what.items()
    ]


def _written(scale: Scale, directory: Path) -> Row:
    url, workflow = f"sqlite:{directory / 'fed.db'}", uuid4()
    with open_journal(url) as journal:
        Workflows(journal).init(workflow, CmdInit(registry_id=uuid4()))
        with Writers.started(url, workflow, 1) as writers:

            def without() -> float:
                return writers.write(scale.window)

            def beside_a_reader() -> float:
                with _reading(Workflows(journal)):
                    return writers.write(scale.window)

            found = interleaved({"read": beside_a_reader, "alone": without}, scale.few)
    does = "another process appends to a workflow as fast as it can"
    return Row(
        "stream.append",
        "durable append while a feed is read",
        Side("ours", f"{does}, while this one reads the feed of the workflows", found["read"]),
        Side("ours, nobody reads", does, found["alone"]),
        taken=Ratio.COST,
    )


@contextmanager
def _reading(workflows: Workflows) -> Iterator[None]:
    """Read the feed in a thread meanwhile."""
    with workflows.feed() as feed:
        thread = threading.Thread(target=lambda: list(feed))
        thread.start()
        try:
            yield
        finally:
            feed.close()
            thread.join()
