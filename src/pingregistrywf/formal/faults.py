"""Faults put into a model: a property that no fault breaks says nothing.

Each property names a fault that it must catch.  A fault changes the model's files, as somebody
might who edits them, or gives an operator of the generated modules another definition, as a journal
or a participant would that does not keep its promise.  Everything happens on a copy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from pingregistrywf.chart.ir import Model
from pingregistrywf.chart.locate import load_model
from pingregistrywf.chart.system import Fault
from pingregistrywf.generate.tla import formal_model


class FaultError(Exception):
    """A fault cannot be put into the model; the text says why."""


def faulty_files(
    files: Sequence[Path], system: str, fault: Fault, scratch: Path
) -> Mapping[str, str]:
    """Return the formal model with a fault, as files by name.

    Args:
        files: the model's files.
        system: the name of the system.
        fault: what is wrong with it.
        scratch: a directory for a copy of the files that the fault changes.

    Raises:
        ChartError: the changed files are no model.
        FaultError: the model has no such place or operator.
    """
    if fault.model:
        return formal_model(changed_model(files, fault.model, scratch), system)
    made = dict(formal_model(load_model(files), system))
    for operator, definition in fault.operators.items():
        found = re.compile(rf"^{operator}\b.*\n(?:[ ].*\n)*", re.MULTILINE)
        places = [name for name, text in made.items() if found.search(text)]
        if len(places) != 1:
            raise FaultError(f"{operator} is defined in {len(places)} modules, and not in one")
        (name,) = places
        before, after = found.split(made[name])
        made[name] = f"{before}{operator}{definition.rstrip()}\n{after}"
    return made


def changed_model(files: Sequence[Path], changes: Mapping[str, Any], scratch: Path) -> Model:
    """Return a model with changes in its files, of which a copy is written.

    Services and daemons are left out.

    Raises:
        ChartError: the changed files are no model.
        FaultError: there is no such place in them.
    """
    read = {file: yaml.safe_load(file.read_text(encoding="utf-8")) for file in files}
    # They only say who calls what is changed here and when, and may not fit it any more.
    read = {file: data for file, data in read.items() if "service" not in data}
    for data in read.values():
        data.pop("daemons", None)
    named = {next(iter(data.values())): file for file, data in read.items()}
    for place, value in changes.items():
        name, *steps = place.split(".")
        if name not in named:
            raise FaultError(f"{name} is no file of the model: there are {', '.join(named)}")
        _change(read[named[name]], place, steps, value)
    copies = []
    for file, data in read.items():
        copies.append(scratch / file.name)
        copies[-1].write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return load_model(copies)


def _change(data: Any, place: str, steps: Sequence[str], value: Any) -> None:
    *way, last = (int(step) - 1 if step.isdecimal() else step for step in steps)
    try:
        for step in way:
            data = data[step]
        if value is None:
            del data[last]
        elif isinstance(last, int) and not 0 <= last < len(data):
            raise IndexError(last)
        else:
            data[last] = value
    except (IndexError, KeyError, TypeError) as error:
        raise FaultError(f"there is no {place} in the model") from error
