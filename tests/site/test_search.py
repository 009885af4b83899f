"""The site's search, by the worker of the built site: names and words find their page first."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

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
    "StateConflictError": ERRORS,
    "ArgumentNotIdempotentError": VERSIONS,
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
}
"""What a reader looks for, and the page that answers it."""


def test_each_query_finds_its_page_first(site: Path) -> None:
    script = str(Path(__file__).with_name("search.mjs"))
    words = [require_tool("node"), script, str(site), *FOUND_FIRST]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    found = dict(zip(FOUND_FIRST, json.loads(done.stdout), strict=True))
    first = {query: (pages or [""])[0].partition("#")[0] for query, pages in found.items()}
    assert first == FOUND_FIRST
