"""The command line.  A command parses its options, calls one library, and prints the answer.

Exit codes: 0 done; 1 the answer is no (refused, drift); 2 cannot run (usage, chart, journal); 128+n
ended by signal n.  One line on standard error gives the reason; with ``--json`` so does a field.
The workshop (charts, generators, conformance) is imported by the commands that need it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from pingregistrywf import __version__
from pingregistrywf.cli.adapter import adapter
from pingregistrywf.cli.charts import chart, generate
from pingregistrywf.cli.common import exiting_on_signals
from pingregistrywf.cli.completion import repeat_option
from pingregistrywf.cli.conform import conform
from pingregistrywf.cli.conform_matrix import matrix
from pingregistrywf.cli.daemons import collect, gather, server
from pingregistrywf.cli.demo import demo
from pingregistrywf.cli.doctor import doctor
from pingregistrywf.cli.explore import explore
from pingregistrywf.cli.journal import journal
from pingregistrywf.cli.kit import bundle, init, self_test
from pingregistrywf.cli.output import ending_with_the_reader, open_missing_streams
from pingregistrywf.cli.program import App
from pingregistrywf.cli.prove import prove
from pingregistrywf.cli.registry import begin, commit, events, get, list_, watch
from pingregistrywf.cli.serve import serve
from pingregistrywf.cli.token import token
from pingregistrywf.cli.verify import verify

_SEVERAL: Final = ("--model", "--step")
"""The options that may be followed by several words."""

app = App(
    name="pingregistrywf",
    help="The ping-registry workflow: its chart, what the chart generates, and runs of it.",
    no_args_is_help=True,
)


def main() -> None:
    """The entry point of the command ``pingregistrywf``."""
    open_missing_streams()
    repeat_option(_SEVERAL)
    with ending_with_the_reader(), exiting_on_signals():
        app(_spread(sys.argv[1:]), prog_name="pingregistrywf")


def _spread(words: list[str]) -> list[str]:
    """``--model A B`` means ``--model A --model B``, which is all that the parser knows.

    The commands of ``journal`` take a file, too, so that only what can be a chart is one there.
    """
    spread: list[str] = []
    option = None
    for word in words:
        if word.startswith("-"):
            option = word if word in _SEVERAL else None
        elif option is not None and spread[-1] != option:
            if words[0] == "journal" and not _is_model(word):
                option = None
            else:
                spread.append(option)
        spread.append(word)
    return spread


def _is_model(word: str) -> bool:
    return Path(word).suffix in (".yaml", ".yml") or Path(word).is_dir()


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pingregistrywf {__version__}")
        raise typer.Exit


@app.callback()
def _global(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


_PANELS: Final = {
    "The workflow": (demo, begin, get, commit, list_, events, watch),
    "Daemons": (server, gather, collect, serve),
    "The chart": (explore, generate, verify, prove),
    "Conformance": (adapter,),
}
app.add_typer(chart, name="chart", rich_help_panel="The chart")
for _panel, _commands in _PANELS.items():
    for _command in _commands:
        app.command(_command.__name__.rstrip("_"), rich_help_panel=_panel)(_command)
for _part in (self_test, init, bundle, matrix):
    conform.command(_part.__name__.replace("_", "-"))(_part)
app.add_typer(conform, name="conform", rich_help_panel="Conformance")
app.command(rich_help_panel="For operators")(doctor)
app.add_typer(journal, name="journal", rich_help_panel="For operators")
app.add_typer(token, name="token", rich_help_panel="For operators")
