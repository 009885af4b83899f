"""What a contributor meets first: the same linters before a commit, and forms that ask enough."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_a_commit_is_judged_by_the_linters_of_make_lint() -> None:
    (repository,) = yaml.safe_load(text(".pre-commit-config.yaml"))["repos"]
    entries = [hook["entry"].removeprefix(".venv/bin/") for hook in repository["hooks"]]
    # Else a commit that only deletes files is not judged.
    assert all(hook["always_run"] for hook in repository["hooks"])
    lints = re.search(r"^LINTS := (.*)$", MAKEFILE, re.MULTILINE)
    assert lints is not None
    linters = re.findall(r'"\$\(BIN\)/([^"]*)"', lints[1])
    assert entries == [*linters, "pingregistrywf generate --check"]


def test_the_devcontainer_needs_no_more_than_make_setup() -> None:
    setting = json.loads(text(".devcontainer/devcontainer.json"))
    assert setting["postCreateCommand"] == "make setup"
    needed = re.findall(r"missing\+=\((.*?)\)", text(".ci/run"))
    packages = text(".devcontainer/Dockerfile").split()
    assert {name for each in needed for name in each.split()} <= set(packages)


def test_the_forms_ask_for_the_doctor() -> None:
    for name in ("ISSUE_TEMPLATE/bug.md", "pull_request_template.md"):
        assert "`pingregistrywf doctor`" in text(f".github/{name}")


def test_the_picture_of_the_house_is_that_of_the_code() -> None:
    place = ROOT / "docs" / "hooks" / "architecture.py"
    spec = importlib.util.spec_from_file_location("architecture", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.svg() == module.PICTURE.read_text(encoding="utf-8"), (
        "the imports have changed: python docs/hooks/architecture.py draws them anew"
    )


def test_the_page_names_each_package() -> None:
    page = text("docs/explanation/architecture.md")
    named = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    package = ROOT / "src" / "pingregistrywf"
    assert named == {each.parent.name for each in package.glob("*/__init__.py")} | {"aio"}
