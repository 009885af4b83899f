"""When the dependencies of the base were last released: ``python -m tests.release.maintained``.

It writes ``maintained.txt`` beside this file: for each dependency, the newest version, and the one
that was the newest two years before.  If they are the same, there was no release for two years, and
the dependency's row in the README has to say why it stays.  uv finds both versions.  ``make
release`` looks anew; the tests judge what was written.
"""

from __future__ import annotations

import datetime
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .artefacts import PROJECT, ROOT

RECORD: Final = Path(__file__).with_suffix(".txt")
YEARS: Final = 2


@dataclass(frozen=True)
class Releases:
    """A dependency: its newest version, and the newest of two years before."""

    name: str
    newest: str
    before: str

    @property
    def is_stale(self) -> bool:
        """Whether there was no release in these years."""
        return self.newest == self.before


def base() -> list[str]:
    """The names of the dependencies of the base, in their order."""
    names = (re.match(r"[\w.-]+", each) for each in PROJECT["dependencies"])
    return list(dict.fromkeys(name[0] for name in names if name))


def look(day: datetime.date) -> list[Releases]:
    """Ask uv for the versions as of a day, and of two years before it.

    Raises:
        RuntimeError: uv cannot tell.
    """
    before = day.replace(year=day.year - YEARS, day=1)  # which there is in every year
    now, then = _newest(day), _newest(before)
    return [Releases(name, now[_key(name)], then[_key(name)]) for name in base()]


def _newest(day: datetime.date) -> dict[str, str]:
    command = [sys.executable, "-m", "uv", "--quiet", "pip", "compile", "--no-deps", "--no-header"]
    command += ["--no-annotate", "--exclude-newer", day.isoformat(), "-"]
    run = subprocess.run(command, input="\n".join(base()), capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(run.stderr)
    return {
        _key(name): version
        for name, version in re.findall(r"^(\S+)==(\S+)", run.stdout, re.MULTILINE)
    }


def _key(name: str) -> str:
    return name.lower().replace("_", "-")


def record(found: list[Releases], day: datetime.date) -> str:
    """The text of ``maintained.txt``."""
    head = f"# As of {day}: dependency, newest version, newest version {YEARS} years before.\n"
    return head + "".join(f"{each.name} {each.newest} {each.before}\n" for each in found)


def recorded() -> list[Releases]:
    """What ``maintained.txt`` says."""
    lines = RECORD.read_text(encoding="utf-8").splitlines()[1:]
    return [Releases(*line.split()) for line in lines]


def unexplained(found: list[Releases], readme: str) -> Iterator[str]:
    """What is wrong with dependencies that had no release, and what to do about it."""
    for each in found:
        row = re.search(rf"^\| {re.escape(each.name)} \|.*$", readme, re.MULTILINE)
        if each.is_stale and (row is None or "is the newest version" not in row[0]):
            yield (
                f"{each.name} had no release for {YEARS} years: use another package, or let its row"
                f" in README.md say why it stays, and that {each.newest} is the newest version"
            )


def main() -> None:
    """Look, and write the record."""
    today = datetime.datetime.now(datetime.UTC).date()
    RECORD.write_text(record(look(today), today), encoding="utf-8")
    wrong = [*unexplained(recorded(), (ROOT / "README.md").read_text(encoding="utf-8"))]
    print("\n".join(wrong) or RECORD.read_text(encoding="utf-8"))
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
