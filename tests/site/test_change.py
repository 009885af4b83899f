"""A change of the model appears everywhere by generating and building, with no other edit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT, build

pytestmark = [pytest.mark.exhaustive, pytest.mark.slow, pytest.mark.xdist_group("site")]

# A state's name is said by several files of the model, what else changes by the chart alone.
OLD, NEW = "Summarized", "Tallied"
CHANGES = {
    # Prose, and a rule: a summarized workflow may be ended without a commit.
    "At least one server has answered, and more pings are welcome.": "Pings are coming in.",
    "      - in: [Completed]\n        emit: PingRegistryCommitted\n": (
        "      - in: [Tallied, Completed]\n        emit: PingRegistryCommitted\n"
    ),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with a changed model, generated anew."""
    root = tmp_path_factory.mktemp("changed")
    for name in ("docs", "model", "src"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("CHANGELOG.md", "README.md", "mkdocs.yml", "pyproject.toml"):
        shutil.copy(ROOT / name, root / name)
    for path in (root / "model").glob("*.yaml"):
        path.write_text(path.read_text(encoding="utf-8").replace(OLD, NEW), encoding="utf-8")
    chart = root / "model" / "ping_registry.yaml"
    text = chart.read_text(encoding="utf-8")
    for old, new in CHANGES.items():
        assert old in text
        text = text.replace(old, new)
    chart.write_text(text, encoding="utf-8")
    environment = {"PYTHONPATH": str(root / "src")}
    subprocess.run(
        [sys.executable, "-m", "pingregistrywf", "generate"],
        cwd=root,
        env=os.environ | environment,
        capture_output=True,
        check=True,
        timeout=120,
    )
    build(root, root / "site", **environment)
    return root


def test_the_change_is_in_the_readme(copy: Path) -> None:
    text = (copy / "README.md").read_text(encoding="utf-8")
    assert "| Tallied |" in text
    assert "Tallied --> Terminated : End / PingRegistryCommitted" in text
    assert "Summarized" not in text


@pytest.mark.parametrize("suffix", ["svg", "mmd", "puml", "dot", "scxml", "xstate.json"])
def test_the_change_is_in_every_diagram(copy: Path, suffix: str) -> None:
    text = (copy / "docs" / "generated" / f"ping_registry.{suffix}").read_text(encoding="utf-8")
    assert "Tallied" in text
    assert "Summarized" not in text
    if suffix in ("svg", "xstate.json"):
        assert "Pings are coming in." in text


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("index", ["Tallied", 'data-source="Tallied" data-target="Terminated"']),
        ("reference/states", ["Tallied", "Pings are coming in."]),
        ("reference/table", [">Tallied</a></th>"]),
        ("reference/commands", ["Tallied, Completed"]),
        ("reference/behaviour", ["<td>Tallied</td>", "Pings are coming in."]),
        ("reference/values", ["TALLIED"]),
        ("explorer/index", ["Tallied", "Pings are coming in."]),
    ],
)
def test_the_change_is_on_the_site(copy: Path, page: str, words: list[str]) -> None:
    text = (copy / "site" / f"{page}.html").read_text(encoding="utf-8")
    for each in words:
        assert each in text
