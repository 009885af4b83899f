"""Several implementations that are run side by side, and the results together.

A file of them is TOML, one table each::

    [[implementation]]
    name = "ours"
    command = "./adapter"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pingregistrywf.conformance.run.result import Exit, RunResult

Text: TypeAlias = Annotated[str, Field(min_length=1)]

_WORST_FIRST: Final = (Exit.DEVIATES, Exit.INFRASTRUCTURE, Exit.INCOMPLETE)


class ImplementationsError(ValueError):
    """The file cannot be used; the text says why and what to write."""


class Implementation(BaseModel):
    """An implementation: its name, and the command that starts its adapter."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    name: Text
    command: Text


class _File(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    implementation: list[Implementation] = Field(min_length=1)


def read_implementations(file: Path) -> list[Implementation]:
    """Return the implementations of a file, in its order.

    Raises:
        ImplementationsError: it is no TOML, names none, or names one twice.
        OSError: it cannot be read.
    """
    try:
        found = _File.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ImplementationsError(f"{file}: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(each + 1 if isinstance(each, int) else each) for each in first["loc"])
        raise ImplementationsError(
            f"{file}: {where}: {first['msg']}; write [[implementation]] with name and command"
        ) from None
    names = [each.name for each in found.implementation]
    for name in names:
        if names.count(name) > 1:
            raise ImplementationsError(f"{file}: two implementations are named {name}: rename one")
    return found.implementation


def exit_of(runs: Iterable[RunResult]) -> Exit:
    """Return the exit code of several runs: conforms only if all of them do."""
    exits = {each.exit for each in runs}
    return next((each for each in _WORST_FIRST if each in exits), Exit.CONFORMS)
