"""The README: its examples run, its dependencies are all there, its links lead somewhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from pingregistrywf.cli import app

from .snippets import python_snippets, run_snippets

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_examples_run(tmp_path: Path) -> None:
    snippets = python_snippets(README)
    assert snippets
    run_snippets(snippets, tmp_path)


def test_the_first_example_is_short() -> None:
    lines = [line for line in python_snippets(README)[0].splitlines() if line.strip()]
    assert len(lines) <= 15


def test_each_command_has_a_row_with_its_own_options() -> None:
    table = README.split("## From the command line")[1].split("\n## ")[0]
    rows = {row[1]: row[0] for row in re.finditer(r"^\| `([a-z]+).*\|$", table, re.MULTILINE)}
    commands = get_command(app).commands
    assert rows.keys() == commands.keys()
    for name, row in rows.items():
        options = {each for option in commands[name].params for each in option.opts}
        assert set(re.findall(r"(?<![\w-])--[a-z-]+", row)) <= options, name


def test_each_option_is_one_of_its_command() -> None:
    table = README.split("## From the command line")[1].split("\n## ")[0]
    program = get_command(app)
    rows = re.findall(r"^\| (`.*) \|$", table, re.MULTILINE)
    assert rows
    for row in rows:
        names, _, text = row.partition(" | ")
        command: Any = program
        for name in re.findall(r"`([a-z -]+)", names)[0].split():
            command = getattr(command, "commands", {}).get(name, command)
        known = {each for option in command.params for each in option.opts}
        assert set(re.findall(r"`(--[a-z-]+)", text)) <= known, row


def test_each_dependency_has_a_row_with_reasons() -> None:
    rows = {}
    for line in README.split("## What it depends on")[1].split("\n## ")[0].splitlines():
        if line.startswith("| ") and not line.startswith("| package"):
            name, place, purpose, reason = (cell.strip() for cell in line.strip("|").split("|"))
            assert purpose
            assert reason
            assert name not in rows, f"{name} has two rows"
            rows[name] = place.strip("`")
    wanted = {package(requirement): "base" for requirement in PROJECT["dependencies"]}
    for extra, requirements in PROJECT["optional-dependencies"].items():
        for requirement in requirements:
            if package(requirement) != PROJECT["name"]:
                wanted[package(requirement)] = extra
    assert rows == wanted


def package(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0]


def test_each_dependency_is_a_range_and_pinned() -> None:
    pinned = {
        line.partition("==")[0].lower().replace("_", "-")
        for line in (ROOT / ".ci/constraints.txt").read_text(encoding="utf-8").splitlines()
    }
    extras = PROJECT["optional-dependencies"].values()
    for requirement in [*PROJECT["dependencies"], *(each for extra in extras for each in extra)]:
        if package(requirement) != PROJECT["name"]:
            assert re.search(
                r">=[\d.]+,<[\d.]+(; python_version (<|>=) '3\.\d+')?$", requirement
            ), requirement
            assert package(requirement).lower() in pinned, requirement


@pytest.mark.parametrize(
    "page",
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "SECURITY.md"],
    ids=lambda p: p.name,
)
def test_links_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    for link in links:
        if "://" not in link:
            assert (page.parent / link).exists(), link
