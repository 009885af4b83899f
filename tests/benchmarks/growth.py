"""How costs grow: with the length of a workflow, and with the number of workflows in an index."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from uuid import UUID, uuid4

from pingregistrywf import EPOCH, RETRY_NO_VC, UlidSource, WorkflowIndexes, Workflows
from pingregistrywf.coordination.daemon import Server
from pingregistrywf.coordination.registry import RegistryContext
from pingregistrywf.coordination.waiting import Stop

from ..command_line import run
from .figures import Curve, Plot, Ratio, Row, Side, at_most
from .measuring import Sample, Scale, counted, interleaved, repeated
from .reads import find
from .stock import MESSAGE, Stock


def measure(scale: Scale, stock: Stock) -> tuple[list[Row], list[Plot]]:
    """Measure the ends of each growth for the table, and more sizes for the plots."""
    rows = [
        _grown(
            "append",
            "calls `append_ping` with RETRY_NO_VC on a workflow of that many pings, durably",
            _append(scale, stock),
            (scale.short, scale.longest),
            scale,
        ),
        _grown(
            "begin",
            "calls `begin_ping_registry` with RETRY_NO_VC on an index that lists that many"
            " workflows, durably",
            _begin(scale, stock),
            (scale.few_listed, scale.listed),
            scale,
        ),
        *_first_looks(scale, stock),
    ]
    return rows, [_by_length(scale, stock), _by_listed(scale, stock)]


class Look(Server):
    """A server that stops when it would take part in its first workflow."""

    def __init__(self, context: RegistryContext) -> None:
        super().__init__(context, "bench")
        self.stop = Stop()

    def take_part(self, workflow_id: UUID) -> Iterator[float]:
        self.stop.ask()
        yield self.context.journal.clock()


def _append(scale: Scale, stock: Stock) -> Callable[[int], Sample]:
    def sample(pings: int) -> Sample:
        workflows = Workflows(stock.journal)
        act = partial(workflows.append_ping, stock.workflow(pings), RETRY_NO_VC, 0, MESSAGE)
        return repeated(act, scale.seconds)

    return sample


def _begin(scale: Scale, stock: Stock) -> Callable[[int], Sample]:
    def sample(listed: int) -> Sample:
        indexes, index = WorkflowIndexes(stock.journal), stock.registry(listed).index_id
        vid = UlidSource().next(EPOCH)
        return repeated(
            lambda: indexes.begin_ping_registry(index, RETRY_NO_VC, uuid4(), vid), scale.seconds
        )

    return sample


def _find(scale: Scale, stock: Stock) -> Callable[[int], Sample]:
    def sample(pings: int) -> Sample:
        workflows = Workflows(stock.journal)
        return repeated(partial(workflows.find_id, stock.workflow(pings)), scale.seconds)

    return sample


def _list(scale: Scale, stock: Stock) -> Callable[[int], Sample]:
    def act(listed: int) -> None:
        name = stock.registry(listed).name
        listing = run("list", name, "--journal", stock.url)
        assert listing.stdout.count("active") >= listed, listing.stderr

    return lambda listed: repeated(partial(act, listed), scale.seconds)


def _look(scale: Scale, stock: Stock) -> Callable[[int], Sample]:
    def act(listed: int) -> None:
        daemon = Look(RegistryContext(stock.journal, stock.registry(listed)))
        daemon.serve(daemon.stop)

    return lambda listed: repeated(partial(act, listed), scale.seconds)


def _grown(
    what: str, does: str, sample: Callable[[int], Sample], sizes: Sequence[int], scale: Scale
) -> Row:
    # Many rounds: the ratio is near one, and the disk is moody.
    found = interleaved({size: sample(size) for size in sizes}, 3 * scale.rounds)
    small, large = (Side(f"ours, at {size:,}", does, found[size]) for size in sizes)
    path = f"{what} at {sizes[1]:,} and at {sizes[0]:,}"
    return Row(f"{what}.growth", path, large, small, at_most(1.2), Ratio.COST)


def _first_looks(scale: Scale, stock: Stock) -> list[Row]:
    number = scale.listed
    found = interleaved(
        {"list": _list(scale, stock)(number), "look": _look(scale, stock)(number)}, scale.rounds
    )
    return [
        Row(
            "list",
            f"list, {number:,} active workflows",
            Side(
                "ours",
                "runs `pingregistrywf list` in a process that has started: opens the journal, reads"
                " the index, and writes a line for each workflow into a file",
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
    sizes = _powers(scale.longest)

    def cold(pings: int) -> Sample:
        return partial(counted, partial(find, stock, pings), 1)

    return Plot(
        "length",
        "Cost by the length of a workflow's history",
        "pings in the workflow",
        (
            _curve("find, no cache", cold, sizes, scale),
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
            _curve("list", _list(scale, stock), sizes, scale),
            _curve("a daemon's first look", _look(scale, stock), sizes, scale),
            _curve("begin, durable", _begin(scale, stock), sizes, scale),
        ),
    )


def _powers(largest: int) -> list[int]:
    """Return the powers of ten from ten, and the largest."""
    return sorted({10**power for power in range(1, 7) if 10**power < largest} | {largest})


def _curve(name: str, sample: Callable[[int], Sample], sizes: Sequence[int], scale: Scale) -> Curve:
    found = interleaved({size: sample(size) for size in sizes}, scale.few)
    return Curve(name, tuple(found.items()))
