"""What was called on a facade, as a program that a reader can paste and run."""

from __future__ import annotations

import re
from typing import Any, Final
from uuid import UUID

from pingregistrywf.chart.naming import snake
from pingregistrywf.runtime.errors import WorkflowError
from pingregistrywf.runtime.ids import EPOCH, Ulid, VersionControl
from pingregistrywf.runtime.values import Command
from pingregistrywf.testing.generated import FacadeClass

_NAMES: Final = {
    "contextlib": ["suppress"],
    "uuid": ["UUID"],
    "pingregistrywf": [
        "EPOCH",
        "NO_VC",
        "RETRY_NO_VC",
        "Ulid",
        "UlidSource",
        "WorkflowError",
        "open_journal",
    ],
    "pingregistrywf.testing": ["TurnedClock"],
}
"""What a program may need, by the module that has it."""


class Script:
    """The calls on two facades of one journal, which two processes stand for.

    Args:
        facade: the class of the facades.
    """

    def __init__(self, facade: FacadeClass) -> None:
        self._package, self._facade = facade.__module__.rpartition(".")[0], facade.__name__
        self.facades: Final = (snake(self._facade), f"other_{snake(self._facade)}")
        """The names of the facades."""
        self._vids: dict[Ulid, str] = {EPOCH: "EPOCH"}
        self._histories: dict[UUID, int] = {}
        self._lines = ["clock = TurnedClock()", 'journal = open_journal("memory:", clock=clock)']
        self._lines += map(self.new_facade, self.facades)

    def add(self, line: str) -> None:
        """Add a line."""
        self._lines.append(line)

    def new_facade(self, name: str) -> str:
        """Return the line that makes a facade anew."""
        return f"{name} = {self._facade}(journal)"

    def call(self, call: str, answer: object) -> None:
        """Add a call and what it answered: a vid gets a name, and an error ends no program."""
        if isinstance(answer, WorkflowError):
            self.add(f"with suppress(WorkflowError): {call}")
        elif isinstance(answer, Ulid) and answer not in self._vids:
            name = self._vids[answer] = f"vid{len(self._vids)}"
            self.add(f"{name} = {call}")
        else:
            self.add(call)

    def value(self, value: Any) -> str:
        """Return a value in Python: an id of a history by its number, a vid by its name."""
        match value:
            case Ulid():
                return self._vids.get(value, f"Ulid.parse({str(value)!r})")
            case UUID():
                number = self._histories.get(value)
                return repr(value) if number is None else f"UUID(int={number})"
            case Command():
                given = ", ".join(f"{name}={self.value(each)}" for name, each in value)
                return f"{type(value).__name__}({given})"
            case VersionControl():
                return value.name
        return repr(value)

    def history(self, id: UUID) -> str:
        """Return the id of a history in Python."""
        self._histories.setdefault(id, len(self._histories) + 1)
        return self.value(id)

    def __str__(self) -> str:
        code = "\n".join(self._lines)
        used = set(re.findall(r"\w+", code))
        imports = {
            module: [each for each in names if each in used] for module, names in _NAMES.items()
        }
        own = sorted(each for each in used if re.fullmatch(r"Cmd[A-Z]\w*", each))
        imports[self._package] = [*own, self._facade]
        lines = [
            f"from {module} import {', '.join(names)}" for module, names in imports.items() if names
        ]
        return "\n".join((*lines, "", code))
