"""The faults of the properties, put into the product: its own tests catch each of them.

A fault of the model's files is put into a copy of them, from which all is generated again.  A fault
of an operator is put into the code that does what the operator says.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from pingregistrywf.chart.locate import load_model
from pingregistrywf.chart.system import Fault
from pingregistrywf.formal.faults import changed_model

from ..tiers import SOAK, inner

ROOT: Final = Path(__file__).parents[2]
FILES: Final = sorted((ROOT / "model").glob("*.yaml"))
PROPERTIES: Final = load_model(FILES).properties["ping_registry_system"].properties
COPIED: Final = ("docs", "model", "src", "tests", "README.md", "mkdocs.yml", "pyproject.toml")
RUNTIME: Final = "src/pingregistrywf/runtime"


class Patch(NamedTuple):
    """A fault in the code: the file, and a text of it that becomes another."""

    file: str
    sound: str
    faulty: str


EXTENDED: Final = "self._extend(found, entries, [chart] * len(entries))"
PATCHES: Final[Mapping[str, Patch]] = {
    "one_event_a_command-1": Patch(
        f"{RUNTIME}/journal/memory.py", EXTENDED, "self._extend(found, [*entries] * 2, [chart] * 2)"
    ),
    "whole_snapshots-1": Patch(
        f"{RUNTIME}/decisions.py",
        "*listing, _draft(rewrite.end)), restart=True)",
        "*listing), restart=True)",
    ),
    "snapshots_change_nothing-1": Patch(
        f"{RUNTIME}/decisions.py", "if entries else ()", "if not entries else ()"
    ),
    "acknowledged_pings_are_stored-1": Patch(
        f"{RUNTIME}/engine.py",
        "head = self.journal.commit(",
        "head = after.head if type(events[0]).__name__ == 'ServerPinged' else self.journal.commit(",
    ),
    "every_ping_is_summarized-2": Patch(
        f"{RUNTIME}/journal/memory.py",
        "check_commit(history, head, after, entries, deleted=deleted)",
        "check_commit(history, head, head, entries, deleted=deleted)",
    ),
    "no_ping_twice-1": Patch(
        "src/pingregistrywf/coordination/daemon.py",
        "held = {ping.message for ping in state.pings}",
        "held = set()",
    ),
    "summaries_stay-1": Patch(
        f"{RUNTIME}/journal/memory.py", EXTENDED, f"del found.entries[-1:]; {EXTENDED}"
    ),
}
"""The faults of operators, as they look in the product."""


def faults() -> Iterator[Any]:
    for name, declared in PROPERTIES.items():
        for number, fault in enumerate(declared.faults, start=1):
            yield pytest.param(f"{name}-{number}", fault, id=f"{name}-{number}")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, in which a fault can be put."""
    copy = tmp_path_factory.mktemp("faulty") / "checkout"
    copy.mkdir()
    ignored = shutil.ignore_patterns("__pycache__", "node_modules")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=ignored)
        else:
            shutil.copy(source, copy)
    return copy


def python(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    variables = {"PYTHONPATH": str(checkout / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=checkout,
        env=inner() | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def give_back_daemons(sound: Path, faulty: Path) -> None:
    """Let a package that was generated from a changed model have the daemons of the sound one."""
    package = Path("_generated", "ping_registry_operations")
    (faulty / package / "sound").mkdir()
    shutil.copy(sound / package / "operations.json", faulty / package / "sound")
    code = (sound / package / "__init__.py").read_text(encoding="utf-8")
    loaded = re.compile(r"(load_daemons\(\s*Path\(__file__\)\.parent)")
    assert len(loaded.findall(code)) == 1
    changed = loaded.sub(r'\1 / "sound"', code)
    (faulty / package / "__init__.py").write_text(changed, encoding="utf-8")


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.soak
@pytest.mark.parametrize(("name", "fault"), list(faults())[:: 1 if SOAK else 2])
def test_the_product_s_own_tests_catch_it(checkout: Path, name: str, fault: Fault) -> None:
    assert fault.product is not None
    source = checkout / "src" / "pingregistrywf"
    kept = checkout.parent / "sound"
    if not kept.exists():
        shutil.copytree(source, kept)
    try:
        if fault.model:
            shutil.rmtree(checkout / "model")
            (checkout / "model").mkdir()
            changed_model(FILES, fault.model, checkout / "model")
            made = python(checkout, "pingregistrywf", "generate")
            assert made.returncode == 0, made.stderr
            give_back_daemons(kept, source)
        else:
            patch = PATCHES[name]
            file = checkout / patch.file
            text = file.read_text(encoding="utf-8")
            assert text.count(patch.sound) == 1
            file.write_text(text.replace(patch.sound, patch.faulty), encoding="utf-8")
        done = python(checkout, "pytest", "-q", "-x", "-p", "no:cacheprovider", fault.product)
    finally:
        shutil.rmtree(source)
        shutil.copytree(kept, source)
        for each in FILES:
            shutil.copy(each, checkout / "model")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed" in done.stdout


def test_each_fault_of_an_operator_has_its_counterpart() -> None:
    without_model = {
        f"{name}-{number}"
        for name, declared in PROPERTIES.items()
        for number, fault in enumerate(declared.faults, start=1)
        if fault.operators
    }
    assert PATCHES.keys() == without_model
