"""How costs grow: with the length of a workflow, and with the number of workflows in an index."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from uuid import UUID, uuid4

from pingregistrywf import EPOCH, RETRY_NO_VC, UlidSource, WorkflowIndexes, Workflows
from pingregistrywf.coordination.daemon import Server
from pingregistrywf.coordination.registry import PingRegistry
from pingregistrywf.coordination.waiting import Stop

from ..command_line import run
from .figures import Curve, Plot, Ratio, Row, Side, at_most
from .measuring import Scale, counted, interleaved
from .reads import find
from .stock import MESSAGE, Stock

BySize = Callable[[int], float]
"""Measures a round at a size; returns the seconds of an iteration."""


def measure(scale: Scale, stock: Stock) -> tuple[list[Row], list[Plot]]:
    """Measure the ends of each growth for the table, and more sizes for the plots."""
    rows = [
        _grown(
            "append",
            f"calls `append_ping` with RETRY_NO_VC {scale.appends} times on a workflow of that many"
            " pings, durably",
            _append(scale, stock),
            (scale.short, scale.longest),
            scale,
        ),
        _grown(
            "begin",
            f"calls `begin_ping_registry` with RETRY_NO_VC {scale.appends} times on an index that"
            " lists that many workflows, durably",
            _begin(scale, stock),
            (scale.few_listed, scale.listed),
            scale,
        ),
        *_first_looks(scale, stock),
    ]
    return rows, [_by_length(scale, stock), _by_listed(scale, stock)]


class Look(Server):
    """A server that stops when it would take part in its first workflow."""

    def __init__(self, registry: PingRegistry) -> None:
        super().__init__(registry, "bench")
        self.stop = Stop()

    def take_part(self, workflow_id: UUID) -> Iterator[float]:
        self.stop.ask()
        yield self.registry.journal.clock()


def _append(scale: Scale, stock: Stock) -> BySize:
    workflows = Workflows(stock.journal)

    def measured(pings: int) -> float:
        workflow = stock.workflow(pings)
        workflows.find_id(workflow)  # cached from here on
        act = partial(workflows.append_ping, workflow, RETRY_NO_VC, 0, MESSAGE)
        return counted(act, scale.appends)

    return measured


def _begin(scale: Scale, stock: Stock) -> BySize:
    indexes, vid = WorkflowIndexes(stock.journal), UlidSource().next(EPOCH)

    def measured(listed: int) -> float:
        index = stock.registry(listed).index_id
        indexes.find_id(index)  # cached from here on
        return counted(
            lambda: indexes.begin_ping_registry(index, RETRY_NO_VC, uuid4(), vid), scale.appends
        )

    return measured


def _find(scale: Scale, stock: Stock) -> BySize:
    workflows = Workflows(stock.journal)

    def measured(pings: int) -> float:
        workflow = stock.workflow(pings)
        workflows.find_id(workflow)  # cached from here on
        return counted(partial(workflows.find_id, workflow), scale.appends)

    return measured


def _find_cold(stock: Stock) -> BySize:
    return lambda pings: counted(partial(find, stock.url, stock.workflow(pings)), 1)


def _list(stock: Stock) -> BySize:
    def measured(listed: int) -> float:
        act = partial(run, "list", stock.registry(listed).name, "-q", "--journal", stock.url)
        assert act().stdout.count("\n") == listed
        return counted(act, 1)

    return measured


def _look(stock: Stock) -> BySize:
    def measured(listed: int) -> float:
        daemon = Look(PingRegistry(stock.journal, stock.registry(listed).name))
        return counted(lambda: daemon.serve(daemon.stop), 1)

    return measured


def _grown(what: str, does: str, measured: BySize, sizes: Sequence[int], scale: Scale) -> Row:
    found = interleaved({size: partial(measured, size) for size in sizes}, scale.rounds)
    small, large = (Side(f"ours, at {size:,}", does, found[size]) for size in sizes)
    path = f"{what} at {sizes[1]:,} and at {sizes[0]:,}"
    return Row(f"{what}.growth", path, large, small, at_most(1.2), Ratio.COST)


def _first_looks(scale: Scale, stock: Stock) -> list[Row]:
    number = scale.listed
    found = interleaved(
        {"list": partial(_list(stock), number), "look": partial(_look(stock), number)}, scale.few
    )
    return [
        Row(
            "list",
            f"list, {number:,} active workflows",
            Side(
                "ours",
                "runs `pingregistrywf list -q` in a process that has started: opens the journal,"
                " reads the index, and writes a line for each workflow into a file",
                found["list"],
            ),
            goal=at_most(0.15),
        ),
        Row(
            "look",
            f"a daemon's first look, {number:,} active workflows",
            Side(
                "ours",
                "serves, without a cache, until the first of the workflows is taken up",
                found["look"],
            ),
            goal=at_most(0.5),
        ),
    ]


def _by_length(scale: Scale, stock: Stock) -> Plot:
    sizes = _powers(scale.remembered)
    return Plot(
        "length",
        "Cost by the length of a workflow's history",
        "pings in the workflow",
        (
            _curve("find, no cache", _find_cold(stock), sizes, scale),
            _curve("append, durable", _append(scale, stock), sizes, scale),
            _curve("find, warm cache", _find(scale, stock), sizes, scale),
        ),
    )


def _by_listed(scale: Scale, stock: Stock) -> Plot:
    sizes = _powers(scale.listed)
    return Plot(
        "listed",
        "Cost by the number of workflows in a registry's index",
        "workflows in the index",
        (
            _curve("list", _list(stock), sizes, scale),
            _curve("a daemon's first look", _look(stock), sizes, scale),
            _curve("begin, durable", _begin(scale, stock), sizes, scale),
        ),
    )


def _powers(largest: int) -> list[int]:
    """Return the powers of ten from ten, and the largest."""
    return sorted({10**power for power in range(1, 7) if 10**power < largest} | {largest})


def _curve(name: str, measured: BySize, sizes: Sequence[int], scale: Scale) -> Curve:
    found = interleaved({size: partial(measured, size) for size in sizes}, scale.few)
    return Curve(name, tuple(found.items()))
