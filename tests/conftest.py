"""What tests of every part share: the tables of behaviour.md, by hand.

A test with the argument ``cell`` runs once for each cell of the workflow's table, one with
``index_cell`` once for each of the index's; ``cells`` has both tables whole.
"""

from __future__ import annotations

import importlib.util
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, expect, sync_playwright

from .faults import Faults
from .nats.cluster import Cluster
from .tiers import EXHAUSTIVE, SOAK
from .tools import require_tool

# The same examples in each run, and none fails because the machine is busy.
settings.register_profile(
    "reproducible",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("reproducible")


def _load(name: str) -> ModuleType:
    """A module beside this one: pytest's importlib mode keeps tests off the import path."""
    known = sys.modules.get(name)
    if known is not None:
        return known
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_CELLS = _load("cells")


def pytest_configure() -> None:
    """Let Ctrl-C reach what tests start, even if a shell has started pytest in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for argument, table in (("cell", _CELLS.WORKFLOW), ("index_cell", _CELLS.INDEX)):
        if argument in metafunc.fixturenames:
            metafunc.parametrize(argument, table, ids=[each.name for each in table])


@pytest.fixture(scope="session")
def cells() -> ModuleType:
    """The module ``cells``: ``WORKFLOW`` and ``INDEX``, and how they are written."""
    return _CELLS


PATIENCE = 30_000
"""For so many milliseconds a test waits for what a page does; Playwright's actions do, too."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium; gone before other tests, which may want an event loop of their own."""
    path = require_tool("chromium")
    # Five seconds, as it is by default, are too short for a page on a busy machine.
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox"], timeout=2 * PATIENCE
        )
        yield started
        started.close()


@pytest.fixture(scope="session")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Faults:
    """What lets system calls of a process fail; a test starts processes with it."""
    return Faults.build(tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A server of NATS for each worker, which no test takes down: take a stream of your own."""
    with Cluster(tmp_path_factory.mktemp("nats"), size=1) as server:
        yield server


@pytest.fixture(scope="session")
def nats_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three nodes, for tests of xdist's group ``nats``: who takes one down calls ``restore``."""
    with Cluster(tmp_path_factory.mktemp("nats")) as cluster:
        yield cluster


SLOW_FIXTURES = frozenset({"browser", "faults", "nats_cluster", "nats_server", "run_child"})
"""Each test that uses one of these is slow: it starts a browser, servers or several processes."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if SLOW_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
    left_out, kept = [], []
    for item in items:
        (left_out if _is_left_out(item) else kept).append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


def _is_left_out(item: pytest.Item) -> bool:
    soak = item.get_closest_marker("soak")
    alone = soak is not None and soak.kwargs.get("only", False)
    return (alone and not SOAK) or (not EXHAUSTIVE and bool(item.get_closest_marker("exhaustive")))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite-scenarios",
        action="store_true",
        help="write the answers in tests/scenarios anew",
    )
    parser.addoption(
        "--rewrite-snapshots",
        action="store_true",
        help="write what terminals show, in tests/snapshots, anew",
    )
