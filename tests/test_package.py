"""What users install: its files, its names, its version, and what importing it costs."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import sysconfig
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import pingregistrywf
from pingregistrywf.chart.locate import load_model, model_directory

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BUILT = os.environ.get("PINGREGISTRYWF_WHEEL") == "1"
"""Set by ``make test``, which installs the wheel; an editable installation is for development."""

CHARTS = ("ping_registry", "ping_registry_index")
CARRIED = frozenset(
    {
        "pingregistrywf/py.typed",
        "pingregistrywf/_generated/chart.schema.json",
        "pingregistrywf/_generated/operations.schema.json",
        "pingregistrywf/_generated/ping_registry_operations/operations.json",
        "pingregistrywf/model/chart.schema.json",
        "pingregistrywf/model/operations.schema.json",
        "pingregistrywf/model/ping_registry_operations.yaml",
    }
    | {f"pingregistrywf/model/{chart}.yaml" for chart in CHARTS}
    | {
        f"pingregistrywf/_generated/{chart}/{name}"
        for chart in CHARTS
        for name in ("chart.json", f"{chart}.proto", "descriptor.binpb", "declaration.py")
    }
)


@pytest.mark.skipif(not BUILT, reason="make test tests the built wheel; this is another run")
def test_the_tests_run_against_the_wheel() -> None:
    places = [Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib")]
    assert any(Path(pingregistrywf.__file__).resolve().is_relative_to(place) for place in places)
    origin = metadata.distribution("pingregistrywf").read_text("direct_url.json") or ""
    assert '"editable"' not in origin


@pytest.mark.skipif(not BUILT, reason="make test tests the built wheel; this is another run")
def test_the_installed_package_is_the_one_in_the_source_tree() -> None:
    installed = Path(pingregistrywf.__file__).parent
    for source in (ROOT / "src" / "pingregistrywf").rglob("*"):
        if source.is_file() and source.suffix != ".pyc":
            copy = installed / source.relative_to(ROOT / "src" / "pingregistrywf")
            assert copy.read_bytes() == source.read_bytes(), f"{source}: make test installs it"


@pytest.mark.skipif(not BUILT, reason="make test tests the built wheel; this is another run")
def test_the_wheel_carries_its_data() -> None:
    files = metadata.files("pingregistrywf")
    assert files is not None
    assert {str(file) for file in files} >= CARRIED
    assert model_directory() == Path(pingregistrywf.__file__).parent / "model"


def test_the_model_is_found() -> None:
    assert set(load_model().charts) == set(CHARTS)


def test_the_version_is_that_of_the_metadata() -> None:
    assert pingregistrywf.__version__ == metadata.version("pingregistrywf")
    assert PROJECT["dynamic"].count("version") == 1


@pytest.mark.parametrize("name", pingregistrywf.__all__)
def test_each_public_name_resolves_and_is_documented(name: str) -> None:
    value = getattr(pingregistrywf, name)
    assert name in dir(pingregistrywf)
    page = (ROOT / "docs" / "reference" / "names.md").read_text(encoding="utf-8")
    assert f"`{name}`" in page, f"docs/reference/names.md does not name {name}"
    if isinstance(value, type) or callable(value):
        assert (value.__doc__ or "").strip(), f"{name} has no docstring"


def test_public_names_are_sorted_and_nothing_else_resolves() -> None:
    assert len(set(pingregistrywf.__all__)) == len(pingregistrywf.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Reopen'"):
        pingregistrywf.Reopen  # noqa: B018


LIBRARIES = "import pydantic, google.protobuf, sqlite3"
MOST_SECONDS = 0.060


@pytest.mark.xdist_group("measures")
def test_importing_costs_little_more_than_its_libraries() -> None:
    """At most 60 ms more of processor time, which does not count what else the machine does."""
    differences: list[float] = []
    while len(differences) < 5 and min(differences, default=1.0) > MOST_SECONDS:
        runs = [(seconds(LIBRARIES), seconds(f"{LIBRARIES}, pingregistrywf")) for _ in range(5)]
        without, with_it = map(statistics.median, zip(*runs, strict=True))
        differences.append(with_it - without)
    assert min(differences) <= MOST_SECONDS, differences


def seconds(statements: str) -> float:
    program = f"import time; t = time.process_time(); {statements}; print(time.process_time() - t)"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return float(run.stdout)


@pytest.mark.parametrize(
    ("names", "unused"),
    [
        ("pingregistrywf.__all__", {"explorer"}),
        ("set(pingregistrywf.__all__) - {'PingRegistry'}", {"coordination", "explorer"}),
    ],
)
def test_importing_it_loads_no_workshop(names: str, unused: set[str]) -> None:
    program = (
        "import sys, pingregistrywf\n"
        f"for name in {names}: getattr(pingregistrywf, name)\n"
        "print(*sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(run.stdout.split())
    workshop = {"chart", "conformance", "formal", "generate"}
    assert not loaded & {f"pingregistrywf.{name}" for name in workshop | unused}
    assert not loaded & {"rich", "statemachine", "typer", "yaml"}


def tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name]


@pytest.mark.slow
def test_no_file_names_a_registry_or_a_place_on_one_machine() -> None:
    # Put together here, so that this file does not name them either.
    names = ("pypi", "pythonhosted", "npmjs", "yarnpkg", "crates", "rubygems", "anaconda", "ghcr")
    hosts = [rf"\b{name}\.(org|com|io)\b" for name in (*names, r"proxy\.golang")]
    places = [rf"(?<![\w.])/{name}/" for name in ("work", "home", "Users")]
    forbidden = re.compile("|".join((*hosts, *places)))
    for file in tracked():
        assert file.name != "uv.lock"
        if file.is_file():
            found = forbidden.search(file.read_bytes().decode("utf-8", "replace"))
            assert found is None, f"{file} names {found.group()}"


def test_constraints_are_names_and_versions_only() -> None:
    for line in (ROOT / ".ci/constraints.txt").read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.+!-]+", line), line
