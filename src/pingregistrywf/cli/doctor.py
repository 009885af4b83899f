"""The command ``doctor``: what this machine, this installation and a journal are fit for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from pingregistrywf import __version__
from pingregistrywf.cli.common import JOURNAL_VARIABLE, REFUSED, answer, json_wanted, with_json
from pingregistrywf.cli.terminal import filled, for_person
from pingregistrywf.runtime.counts import counted

if TYPE_CHECKING:
    from pingregistrywf.runtime.journal.check import Check


@with_json
def doctor(
    url: Annotated[
        str | None,
        Option(
            "--journal",
            metavar="URL",
            envvar=JOURNAL_VARIABLE,
            help="A journal to check, with the place where it is; none unless given.",
        ),
    ] = None,
) -> None:
    """Check this machine, this installation and a journal; say what to do about what is wrong.

    Exits with 1 if something will not work.
    """
    from pingregistrywf.runtime.journal.check import Verdict

    if for_person() and not json_wanted():
        _show(list(_checks(url)))
        return
    works = True
    for check in _checks(url):
        works = works and check.verdict is not Verdict.FAULT
        remedy = f": {check.remedy}" if check.remedy else ""
        fields = {"check": check.subject, "verdict": check.verdict.value, "text": check.text}
        text = f"{check.verdict.value:<6} {check.subject:<17} {check.text}{remedy}"
        answer({**fields, "remedy": check.remedy}, text)
    if not works:
        raise typer.Exit(REFUSED)


def _show(checks: list[Check]) -> None:
    """Show the checks on a terminal, a remedy on a line of its own.

    Lines end between words: a path that is too long for one is left whole, so that it can be
    copied.
    """
    from rich.console import Console
    from rich.text import Text

    from pingregistrywf.coordination.palette import AMBER, GREEN, RED
    from pingregistrywf.runtime.journal.check import Verdict

    styles = {Verdict.OK: GREEN, Verdict.NOTE: AMBER, Verdict.FAULT: f"bold {RED}"}
    signs = {Verdict.OK: "✓ ok", Verdict.NOTE: "! note", Verdict.FAULT: "✗ fault"}
    first = max(map(len, (*signs.values(), "verdict"))) + 1
    second = max(map(len, (*(check.subject for check in checks), "check"))) + 1
    console = Console(highlight=False, soft_wrap=True)
    room = max(console.width - first - second, 1)

    def below(text: str) -> str:
        return filled(text, room).replace("\n", "\n" + " " * (first + second))

    console.print(Text(f"{'verdict':<{first}}{'check':<{second}}what was found", "bold"))
    for check in checks:
        line = Text().append(f"{signs[check.verdict]:<{first}}", styles[check.verdict])
        line.append(f"{check.subject:<{second}}{below(check.text)}")
        if check.remedy:
            line.append("\n" + " " * (first + second))
            line.append(below(f"→ {check.remedy}"), styles[check.verdict])
        console.print(line)
    faults = sum(check.verdict is Verdict.FAULT for check in checks)
    notes = sum(check.verdict is Verdict.NOTE for check in checks)
    counts = (
        f"{counted(len(checks), 'check')}: {counted(faults, 'fault')}, {counted(notes, 'note')}"
    )
    console.print(Text(counts, styles[Verdict.FAULT] if faults else "dim"))
    if faults:
        raise typer.Exit(REFUSED)


def _sqlite_check() -> Check:
    from pingregistrywf.runtime.journal.check import Check, Verdict

    try:
        from pingregistrywf.runtime.journal.sqlite.health import sqlite_check
    except ModuleNotFoundError as error:
        if error.name != "fcntl":
            raise
        text = "no journals in SQLite files here: they need a POSIX system"
        remedy = "use nats: or grpc: URLs; conform, generate and charts work"
        return Check("SQLite", Verdict.NOTE, text, remedy)
    return sqlite_check()


def _checks(url: str | None) -> Iterator[Check]:
    import platform  # slow to import

    from pingregistrywf.cli.abilities import ability_checks
    from pingregistrywf.extras import EXTRAS, missing, remedy
    from pingregistrywf.runtime.journal.check import Check, Verdict
    from pingregistrywf.runtime.journal.health import clock_check, journal_checks

    yield Check("pingregistrywf", Verdict.OK, __version__)
    yield Check(
        "Python", Verdict.OK, f"{platform.python_version()}, {platform.python_implementation()}"
    )
    yield _sqlite_check()
    for extra, enables in EXTRAS.items():
        subject = f"extra {extra}"
        if absent := missing(extra):
            text = f"not installed: {', '.join(absent)}; it gives {enables}"
            yield Check(subject, Verdict.NOTE, text, remedy(extra))
        else:
            yield Check(subject, Verdict.OK, f"gives {enables}")
    yield from ability_checks()
    if url is None:
        yield clock_check(time.time(), 0.0)
        how = f"name one by --journal or in {JOURNAL_VARIABLE} to have it checked"
        yield Check("journal", Verdict.NOTE, "none is named", how)
    else:
        yield from journal_checks(url, time.time)
