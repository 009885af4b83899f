"""Random behaviours of a module, for models that are too large to be explored as a whole."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, TypeAlias

from pingregistrywf.formal.jvm import workspace
from pingregistrywf.formal.tlc import ModelError, run
from pingregistrywf.formal.toolchain import Toolchain
from pingregistrywf.formal.values import Value, parse_state

Behavior: TypeAlias = tuple[Mapping[str, Value], ...]
"""The variables of each state, from an initial one on.  TLC does not write what leads to it."""
_STATE: Final = re.compile(r"^STATE_\d+ ==\s*$", re.MULTILINE)
_END: Final = re.compile(r"^=+\s*\Z", re.MULTILINE)


def simulate(
    toolchain: Toolchain,
    files: Mapping[str, str],
    module: str,
    config: str,
    *,
    number: int,
    length: int,
    seed: int,
) -> list[Behavior]:
    """Return random behaviours of a module.

    Args:
        toolchain: the TLA+ tools.
        files: the module and those that it uses, by the names of their files.
        module: the module's name.
        config: the text of the configuration.
        number: how many behaviours.
        length: the most states of a behaviour.
        seed: the same one gives the same behaviours.

    Raises:
        ModelError: TLC cannot simulate the model, or a property of the configuration does not hold.
    """
    with workspace(files) as work:
        options = ["-workers", "1", "-deadlock", "-depth", str(length), "-seed", str(seed)]
        options += ["-simulate", f"file=behavior,num={number}"]
        outcome = run(toolchain, work, module, config, options)
        if outcome.violation is not None:
            raise ModelError(outcome.violation.text, outcome.violation.trace)
        written = sorted(work.glob("behavior_*"), key=lambda file: (len(file.name), file.name))
        return [_read(file.read_text(encoding="utf-8")) for file in written]


def _read(text: str) -> Behavior:
    _, *states = _STATE.split(_END.sub("", text))
    return tuple(map(parse_state, states))
