"""Make a release, all but publishing: ``make release VERSION=x.y.z``.

It refuses before it changes anything: a version that is no next one, a tree with changes, a
changelog with nothing to say, drift, the placeholder of the project's address, a public name, a
number or an id that went away, new cases under the suite's old version, and a dependency that its
authors left alone.  Then it writes the version, the changelog's heading and the listings, builds
what is published into ``dist/``, with checksums and the bill of materials, checks it, and writes
the tag's text.  If that fails, the tree is as before, and ``dist/`` is gone.  What follows is said
in the end: CONTRIBUTING has the steps.
"""

from __future__ import annotations

import argparse
import datetime
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from . import maintained, published
from .artefacts import ROOT, bill_of_materials, build, checks, checksums, objections

VERSION_FILE: Final = "src/pingregistrywf/__init__.py"
"""The one place where the version is written; pyproject.toml reads it from there."""

FORM: Final = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
HEADING: Final = "## Unreleased\n"
PLACEHOLDER: Final = "example.org"
"""The host of the project's address before there is a real one."""


class RefusedError(Exception):
    """Why there is no release, and what to do about it."""


def number(text: str) -> tuple[int, ...]:
    """The numbers of a version.

    Raises:
        RefusedError: it has not the form x.y.z.
    """
    if FORM.fullmatch(text) is None:
        what = f"{text} is no version" if text else "no version is given"
        raise RefusedError(f"{what}: write VERSION=x.y.z")
    return tuple(map(int, text.split(".")))


def refusals(root: Path, version: str) -> Iterator[str]:
    """Every reason not to release; each says what to do instead."""
    present = current(root)
    if number(version) <= number(present):
        yield f"{version} does not follow {present}: give a greater version"
    if git(root, "status", "--porcelain"):
        yield "the tree has changes: commit them, or set them aside"
    if git(root, "tag", "--list", f"v{version}"):
        yield f"there is a tag v{version}: a published version never changes, give the next one"
    names = placeholders(root)
    if names:
        are = "are" if len(names) > 1 else "is"
        yield (
            f"{', '.join(names)} of [project.urls] in pyproject.toml {are} at {PLACEHOLDER}: write "
            "the project's address there, for the page of a version keeps its links"
        )
    if HEADING not in (root / "CHANGELOG.md").read_text(encoding="utf-8"):
        yield f"CHANGELOG.md has no heading {HEADING.strip()!r}: write what changed below it"
    elif not notes(root):
        yield "CHANGELOG.md says nothing under Unreleased: write what changed for users"
    drift = subprocess.run(
        [sys.executable, "-m", "pingregistrywf", "generate", "--check"],
        cwd=root,
        capture_output=True,
        text=True,
    )
    if drift.returncode:
        yield f"what is generated has drifted: run make generate, and commit it\n{drift.stdout}"
    listings = root / "tests" / "release" / "published"
    for surface in published.SURFACES:
        lines = published.gone(surface, listings)
        if lines:
            yield published.complaint(surface, lines)
    for line in published.lowered(listings):
        yield f"{line}: put back the published version, or give a greater one"
    new = published.unannounced(listings)
    if new:
        yield published.announcement(new)
    yield from shortened(root)


def placeholders(root: Path) -> list[str]:
    """The names of the project's addresses that nobody has set."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    urls = tomllib.loads(text)["project"]["urls"]
    return [name for name, url in urls.items() if urlsplit(url).hostname == PLACEHOLDER]


def shortened(root: Path) -> Iterator[str]:
    """Listings from which a line was taken since the last tag, with no word in deprecated.txt."""
    tags = git(root, "tag", "--list", "v*", "--sort=-version:refname").split()
    if not tags:
        return
    directory = "tests/release/published"
    ripe = published.ripe(current(root), root / directory)
    for surface in published.SURFACES:
        path = f"{directory}/{surface}.txt"
        if not git(root, "ls-tree", tags[0], path):
            continue
        before = set(git(root, "show", f"{tags[0]}:{path}").splitlines()[1:])
        after = set((root / path).read_text(encoding="utf-8").splitlines()[1:])
        lost = [
            line for line in before - after if not any(published.is_part(line, n) for n in ripe)
        ]
        if lost and surface not in published.VERSIONED:
            yield f"{path} lost lines since {tags[0]}: put back {', '.join(sorted(lost)[:5])}"


def current(root: Path) -> str:
    """The version that the source tree has."""
    text = (root / VERSION_FILE).read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.*)"$', text, re.MULTILINE)
    assert found is not None
    return found[1]


def notes(root: Path) -> str:
    """What the changelog says under Unreleased."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    return text.partition(HEADING)[2].partition("\n## ")[0].strip()


def git(root: Path, *words: str) -> str:
    """What git prints."""
    command = ["git", *words]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return run.stdout.strip()


@contextmanager
def all_or_nothing(root: Path) -> Iterator[None]:
    """Take back what was written if there is no release; the tree had no changes before."""
    try:
        yield
    except BaseException:
        git(root, "restore", ".")
        shutil.rmtree(root / "dist", ignore_errors=True)
        raise


def write_version(root: Path, version: str, day: datetime.date) -> None:
    """Write the version where it stands, and over what the changelog has of it."""
    file = root / VERSION_FILE
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(f'"{current(root)}"', f'"{version}"', 1), encoding="utf-8")
    changelog = root / "CHANGELOG.md"
    text = changelog.read_text(encoding="utf-8")
    heading = f"{HEADING}\n## {version}\n\n{day.isoformat()}\n"
    changelog.write_text(text.replace(HEADING, heading, 1), encoding="utf-8")


def fill(root: Path, version: str, about: str) -> list[Path]:
    """Build what is published into ``dist/``, check it, and return its files.

    Raises:
        RefusedError: a check objects.
    """
    place = root / "dist"
    shutil.rmtree(place, ignore_errors=True)
    artefacts = [build(root, place, kind) for kind in ("wheel", "sdist")]
    for command in checks(artefacts):
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode:
            raise RefusedError(run.stdout + run.stderr)
    bill = place / f"pingregistrywf-{version}.cdx.json"
    bill.write_text(json.dumps(bill_of(artefacts[0]), indent=2) + "\n", encoding="utf-8")
    (place / "SHA256SUMS").write_text(checksums([*artefacts, bill]), encoding="utf-8")
    (place / "TAG").write_text(f"pingregistrywf {version}\n\n{about}\n", encoding="utf-8")
    return sorted(place.iterdir())


def bill_of(wheel: Path) -> dict[str, object]:
    """The bill of materials of an environment with the wheel and what users' extras bring.

    Raises:
        RefusedError: a licence is not allowed.
    """
    from pingregistrywf.extras import EXTRAS

    with tempfile.TemporaryDirectory() as name:
        python = Path(name) / "env" / "bin" / "python"
        # With no installer in it: that is no part of what the package brings along.
        venv = [sys.executable, "-m", "venv", "--without-pip", str(Path(name) / "env")]
        subprocess.run(venv, check=True)
        command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
        command += ["--constraint"]
        command += [str(ROOT / ".ci" / "constraints.txt"), f"{wheel}[{','.join(EXTRAS)}]"]
        subprocess.run(command, check=True)
        bill = bill_of_materials(str(python))
    bad = objections(bill)
    if bad:
        raise RefusedError("licences that are not allowed:\n" + "\n".join(bad))
    return bill


def main() -> None:
    """Make the release, or say why not."""
    parser = argparse.ArgumentParser(prog="make release", description=__doc__)
    parser.add_argument("version", help="x.y.z, greater than the present one")
    version = parser.parse_args().version
    try:
        today = datetime.datetime.now(datetime.UTC).date()
        reasons = [*refusals(ROOT, version)]
        releases = maintained.look(today)
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        reasons += maintained.unexplained(releases, readme)
        if reasons:
            raise RefusedError("\n".join(reasons))
        with all_or_nothing(ROOT):
            about = notes(ROOT)
            write_version(ROOT, version, today)
            maintained.RECORD.write_text(maintained.record(releases, today), encoding="utf-8")
            subprocess.run([sys.executable, "-m", "tests.release.published"], cwd=ROOT, check=True)
            files = fill(ROOT, version, about)
    except (RefusedError, RuntimeError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", None) or ""
        print(f"no release: {error}\n{said}".rstrip(), file=sys.stderr)
        raise SystemExit(1) from None
    for file in files:
        print(f"{file.stat().st_size:>10,}  dist/{file.name}")
    print(f"\nnext: git commit -am 'Version {version}'; git tag -s -F dist/TAG v{version}; publish")


if __name__ == "__main__":
    main()
