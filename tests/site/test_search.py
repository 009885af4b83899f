"""The site's search, by the worker of the built site: names and words find their page first."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

import pingregistrywf
from pingregistrywf import WorkflowError

from ..tools import require_tool

pytestmark = [pytest.mark.exhaustive, pytest.mark.xdist_group("site")]

COMMANDS = "reference/commands.html"
ERRORS = "reference/errors.html"
VERSIONS = "explanation/versions.html"
FOUND_FIRST = {
    "append_ping": COMMANDS,
    "AppendPing": COMMANDS,
    "post_summary": COMMANDS,
    "PostSummary": COMMANDS,
    "AbortExpired": COMMANDS,
    "abort_expired": COMMANDS,
    "Init": COMMANDS,
    "End": COMMANDS,
    "Delete": COMMANDS,
    "BeginPingRegistry": COMMANDS,
    "RETRY_NO_VC": VERSIONS,
    "NO_VC": VERSIONS,
    "vid": VERSIONS,
    "StateConflictError": ERRORS,
    "ArgumentNotIdempotentError": ERRORS,
    "VersionConflictError": ERRORS,
    "HistoryDeletedError": ERRORS,
    "UnknownWorkflowError": ERRORS,
    "InvalidCommandError": ERRORS,
    "JournalBusyError": ERRORS,
    "FeedPositionGoneError": ERRORS,
    "crash": ERRORS,
    "Summarized": "reference/states.html",
    "Appending": "reference/states.html",
    "ServerPinged": "reference/events.html",
    "PingRegistryCompleted": "reference/events.html",
    "epoch": "explanation/journal.html",
    "NATS": "how-to/nats.html",
    "asyncio": "how-to/asyncio.html",
    "explorer": "explorer.html",
    "chart.json": "reference/chart-json.html",
    "doctor": "reference/command-line.html",
    "tutorial": "tutorial.html",
    "glossary": "glossary.html",
    "recipes": "recipes.html",
    "comparison": "explanation/comparison.html",
    "Temporal": "explanation/comparison.html",
}
"""What a reader looks for, and the page that answers it."""


ERROR_NAMES = sorted(
    name
    for name in pingregistrywf.__all__
    if isinstance(kind := getattr(pingregistrywf, name), type) and issubclass(kind, WorkflowError)
)


def first_found(site: Path, queries: Iterable[str]) -> dict[str, str]:
    """The best result of each query: a page's address, with the part of the page that was found."""
    words = list(queries)
    script = str(Path(__file__).with_name("search.mjs"))
    command = [require_tool("node"), script, str(site), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    results = zip(words, json.loads(done.stdout), strict=True)
    return {query: (pages or [""])[0] for query, pages in results}


def test_each_query_finds_its_page_first(site: Path) -> None:
    found = first_found(site, FOUND_FIRST)
    assert {query: first.partition("#")[0] for query, first in found.items()} == FOUND_FIRST


def test_each_public_error_finds_its_own_heading_first(site: Path) -> None:
    assert len(ERROR_NAMES) > 20
    assert first_found(site, ERROR_NAMES) == {name: f"{ERRORS}#{name}" for name in ERROR_NAMES}
