"""The explorer in a browser: served by the command, as a reader opens it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

Opened = Callable[..., Page]


@contextmanager
def until_a_signal(words: Sequence[str], number: signal.Signals = signal.SIGTERM) -> Iterator[str]:
    """Run a command that serves the explorer; gives the URL, and ends the command by a signal.

    The command ends also if the body of the ``with`` fails. It would otherwise run on, and the test
    would never end.
    """
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.send_signal(number)
        assert process.wait(60) == 128 + number


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    """Where ``pingregistrywf explore`` serves the explorer; it ends by a signal."""
    words = [sys.executable, "-m", "pingregistrywf", "explore", "--no-browser", "--json"]
    with until_a_signal(words) as served:
        yield served


@pytest.fixture(scope="module")
def contexts() -> list[BrowserContext]:
    """What the pages of ``open_page`` are opened in."""
    return []


@pytest.fixture(autouse=True)
def closed_at_the_end(request: pytest.FixtureRequest) -> Iterator[None]:
    """Closes what a test opened itself: thirty pages would take more than a gigabyte of memory."""
    if "open_page" not in request.fixturenames:
        yield
        return
    contexts: list[BrowserContext] = request.getfixturevalue("contexts")
    of_the_module = len(contexts)
    yield
    while len(contexts) > of_the_module:
        contexts.pop().close()


@pytest.fixture(scope="module")
def open_page(browser: Browser, contexts: list[BrowserContext]) -> Iterator[Opened]:
    """Opens an address in a context of its own.

    At the end, nothing may have been asked of another origin, and nothing have gone wrong.
    """
    asked, wrong = [], []

    def opened(address: str, **options: Any) -> Page:
        context = browser.new_context(viewport=options.pop("viewport", WIDE), **options)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append((address, request.url)))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not wrong
    assert {each.partition("#")[0] for _, each in asked} <= {
        address.partition("#")[0] for address, _ in asked
    }


WIDE = {"width": 1440, "height": 900}
