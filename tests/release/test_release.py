"""``make release``: what it refuses, and what it writes."""

from __future__ import annotations

import datetime
import importlib
import subprocess
from pathlib import Path

import pytest

from . import published

release = importlib.import_module(f"{__package__}.__main__")

CHANGELOG = (
    "# What changed\n\n## Unreleased\n\nFor all:\n\n- It is better.\n\n## 0.2.0\n\n- It is.\n"
)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source tree with all that a release looks at, committed and with a version's tag."""
    package = tmp_path / "src" / "pingregistrywf"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text('__version__ = "0.2.0"\n', encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
    addresses = '[project.urls]\nSource = "https://code.example/p"\n'
    (tmp_path / "pyproject.toml").write_text(addresses, encoding="utf-8")
    listings = tmp_path / "tests" / "release" / "published"
    listings.mkdir(parents=True)
    (listings / "deprecated.txt").write_text("", encoding="utf-8")
    (listings / "python.txt").write_text("# python, version 0.2.0\np.Name\np.Other\n")
    (listings / "suite.txt").write_text("# suite, version 1.2.0\n1-a\n")
    present(monkeypatch)
    for name, value in (("NAME", "A person"), ("EMAIL", "person@example.org")):
        monkeypatch.setenv(f"GIT_AUTHOR_{name}", value)
        monkeypatch.setenv(f"GIT_COMMITTER_{name}", value)
    for words in (("init", "-q"), ("add", "."), ("commit", "-qm", "One"), ("tag", "v0.2.0")):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return tmp_path


def present(
    monkeypatch: pytest.MonkeyPatch, names: str = "p.Name p.Other", cases: str = "1-a"
) -> None:
    """Let these names and these cases be what there is now."""
    surfaces = {
        "python": (lambda: iter(names.split()), lambda: "0.2.0"),
        "suite": (lambda: iter(cases.split()), lambda: "1.2.0"),
    }
    monkeypatch.setattr(published, "SURFACES", surfaces)


@pytest.fixture(autouse=True)
def no_drift(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check of drift is a program of its own, which has tests of its own."""
    real = subprocess.run

    def run(command, *words, **options):
        if "generate" in command:
            drifted = "drift" in request.node.name
            return subprocess.CompletedProcess(command, int(drifted), "model.svg differs\n", "")
        return real(command, *words, **options)

    monkeypatch.setattr(release.subprocess, "run", run)


def commit(tree: Path) -> None:
    subprocess.run(["git", "commit", "-qam", "Another"], cwd=tree, check=True)


def test_a_tree_that_is_ready_is_not_refused(tree: Path) -> None:
    assert [*release.refusals(tree, "0.3.0")] == []


@pytest.mark.parametrize("version", ["0.2.0", "0.1.9"])
def test_a_version_that_does_not_follow(tree: Path, version: str) -> None:
    assert f"{version} does not follow 0.2.0" in next(release.refusals(tree, version))


@pytest.mark.parametrize("text", ["", "1", "1.2", "v1.2.3", "1.2.3rc1", "01.2.3"])
def test_no_version(text: str) -> None:
    with pytest.raises(release.RefusedError, match=r"write VERSION=x\.y\.z"):
        release.number(text)


def test_a_dirty_tree(tree: Path) -> None:
    (tree / "left").touch()
    assert [*release.refusals(tree, "0.3.0")] == [
        "the tree has changes: commit them, or set them aside"
    ]


def test_a_tag_that_is_there(tree: Path) -> None:
    subprocess.run(["git", "tag", "v0.3.0"], cwd=tree, check=True)
    assert "there is a tag v0.3.0" in next(release.refusals(tree, "0.3.0"))


def test_a_changelog_with_nothing_to_say(tree: Path) -> None:
    (tree / "CHANGELOG.md").write_text(CHANGELOG.replace("For all:\n\n- It is better.\n\n", ""))
    commit(tree)
    assert "says nothing under Unreleased" in next(release.refusals(tree, "0.3.0"))


def test_a_changelog_without_the_heading(tree: Path) -> None:
    (tree / "CHANGELOG.md").write_text(CHANGELOG.replace("## Unreleased", "## Later"))
    commit(tree)
    assert "has no heading '## Unreleased': write" in next(release.refusals(tree, "0.3.0"))


@pytest.mark.parametrize(("names", "said"), [("Source", "Source of"), ("A B", "A, B of")])
def test_an_address_that_nobody_has_set(names: str, said: str, tree: Path) -> None:
    lines = [f'{name} = "https://example.org/p"' for name in names.split()]
    text = "\n".join(["[project.urls]", *lines])
    (tree / "pyproject.toml").write_text(text, encoding="utf-8")
    commit(tree)
    (reason,) = release.refusals(tree, "0.3.0")
    verb = "are" if " " in names else "is"
    begins = f"{said} [project.urls] in pyproject.toml {verb} at example.org: write"
    assert reason.startswith(begins)


def test_drift(tree: Path) -> None:
    (said,) = release.refusals(tree, "0.3.0")
    assert said == (
        "what is generated has drifted: run make generate, and commit it\nmodel.svg differs\n"
    )


def test_a_public_name_that_is_gone(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    present(monkeypatch, names="p.Name")
    (said,) = release.refusals(tree, "0.3.0")
    assert said.startswith("published, and gone:\n  p.Other\nBring the name back")


def test_a_case_that_is_new(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    present(monkeypatch, cases="1-a 1-b")
    (said,) = release.refusals(tree, "0.3.0")
    assert said.startswith("cases that are new under the version that was published:\n  1-b\nRaise")


def test_a_listing_that_was_shortened_by_hand(tree: Path) -> None:
    listing = tree / "tests" / "release" / "published" / "python.txt"
    listing.write_text("# python, version 0.2.0\np.Name\n")
    commit(tree)
    (said,) = release.refusals(tree, "0.3.0")
    assert said == "tests/release/published/python.txt lost lines since v0.2.0: put back p.Other"


def test_the_version_is_written_where_it_stands_and_over_the_notes(tree: Path) -> None:
    release.write_version(tree, "0.3.0", datetime.date(2027, 1, 2))
    assert release.current(tree) == "0.3.0"
    text = (tree / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## Unreleased\n\n## 0.3.0\n\n2027-01-02\n\nFor all:\n\n- It is better." in text
    assert release.notes(tree) == ""


def test_a_release_that_fails_leaves_the_tree_as_it_was(tree: Path) -> None:
    def fail() -> None:
        with release.all_or_nothing(tree):
            release.write_version(tree, "0.3.0", datetime.date(2027, 1, 2))
            (tree / "dist").mkdir()
            (tree / "dist" / "p-0.3.0.tar.gz").touch()
            raise release.RefusedError("a check objects")

    with pytest.raises(release.RefusedError, match="a check objects"):
        fail()
    assert not (tree / "dist").exists()
    assert release.git(tree, "status", "--porcelain") == ""
    assert release.current(tree) == "0.2.0"


def test_a_release_stays(tree: Path) -> None:
    with release.all_or_nothing(tree):
        release.write_version(tree, "0.3.0", datetime.date(2027, 1, 2))
    assert release.current(tree) == "0.3.0"


def test_a_tree_without_git_is_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "src" / "pingregistrywf"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text('__version__ = "0.2.0"\n', encoding="utf-8")
    monkeypatch.setattr(release, "ROOT", tmp_path)
    monkeypatch.setattr(release.sys, "argv", ["make release", "0.3.0"])
    with pytest.raises(SystemExit) as ended:
        release.main()
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("no release: ")
    assert "not a git repository" in said
