"""The full tests on every Python that there is a Debian for: ``make matrix``.

For each Debian a root is made by debootstrap, below ``build/roots``, and kept for the next time.
The wheel is installed there twice: alone, as a stranger does, and with all extras, for the tests of
the source distribution.  The mirror is that of the machine's own apt configuration, and the
certificates are those that the machine trusts, so that this file names no host.

A Python that no Debian has is tried on the machine itself where the machine has it: on PATH, or
among the versions of pyenv.

It needs root, debootstrap, setpriv and unshare.  Its mounts are in a namespace of their own, which
goes with the process.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from junitparser import JUnitXml

from ..tiers import inner
from .artefacts import ROOT, build

ROOTS: Final = ROOT / "build" / "roots"
TABLE: Final = ROOT / "build" / "matrix.md"
SCRIPTS: Final = Path("/usr/share/debootstrap/scripts")
PACKAGES: Final = (
    "ca-certificates,default-jre-headless,gcc,git,libc6-dev,make,nodejs,openssl,perl,procps,"
    "python3,python3-pip,python3-venv"
)

CLEAN: Final = """
set -e
python=$1
rm -rf clean older && "$python" -m venv clean
clean/bin/python --version
clean/bin/python -c 'import sqlite3; print("SQLite", sqlite3.sqlite_version)'
clean/bin/pip --version
begin=$(date +%s)
clean/bin/pip install --quiet artefacts/*.whl
clean/bin/pingregistrywf demo >/dev/null
echo "demo $(( $(date +%s) - begin )) s"
set +e
clean/bin/pip download --no-deps --only-binary :all: --python-version 3.10 \\
  --dest older artefacts/*.whl 2>&1
"""
"""A clean machine: the wheel and what it needs by the Python's own pip, and the demo.

Then the same pip is asked for the package for Python 3.10.  ``pip download`` stands in for such a
Python's ``pip install``: the ``install`` of Debian 12's pip does not look at ``--python-version``.
"""

TESTS: Final = """
set -e
python=$1
shift
cd tree
"$python" -m venv .venv
.venv/bin/pip install --quiet --upgrade pip
.venv/bin/pip install --quiet --constraint .ci/constraints.txt "$(echo ../artefacts/*.whl)[dev]"
PINGREGISTRYWF_WHEEL=1 .venv/bin/pytest -n 2 --dist loadgroup --verbose \
  --junitxml ../report.xml "$@" >../pytest.txt 2>&1
"""
"""The tests of the source distribution, against the wheel with all extras."""

ENTER: Final = """
mount --rbind "$1" "$1" # so that the root is in the list of mounts, as on a machine
mount -t proc proc "$1/proc"; mount --rbind /dev "$1/dev"; mount -t sysfs sys "$1/sys"
mount -t tmpfs shm "$1/dev/shm"
exec chroot "$@"
"""
"""What runs a command in a root."""

STAY: Final = """
mount -t proc proc /proc
mount --bind "$1" /mnt; cd /mnt # out of the checkout, whose settings would otherwise hold there
shift
exec "$@"
"""
"""What runs a command on the machine itself, in a directory that it sees as /mnt."""

TRUST: Final = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")
"""Variables that name the machine's certificates, which a root has in a place of its own."""


Finished = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Debian:
    """A version of Debian: its suite, and the Python that it has."""

    number: str
    suite: str
    python: str


DEBIANS: Final = (
    Debian("12", "bookworm", "3.11"),
    Debian("13", "trixie", "3.13"),
    Debian("14", "forky", "3.14"),
)
ELSEWHERE: Final = ("3.12",)
"""Pythons that are supported, and that no Debian has."""
REFUSED: Final = "refused"
"""What a row says of Python 3.10 if pip named the reason."""
NOWHERE: Final = "none"
"""The system of a row whose Python neither a Debian nor the machine has."""


@dataclass(frozen=True)
class Row:
    """What was seen on one Python."""

    system: str
    python: str
    sqlite: str = ""
    pip: str = ""
    demo: str = ""
    older: str = ""
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    remark: str = ""

    @property
    def is_green(self) -> bool:
        """Whether tests ran, none failed, and pip refused an older Python."""
        return self.passed > 0 and not self.failed and self.older == REFUSED

    @property
    def is_fine(self) -> bool:
        """Whether it is green, or there is no such Python to try."""
        return self.is_green or self.system == NOWHERE

    def __str__(self) -> str:
        seen = (self.system, self.python, self.sqlite, self.pip, self.demo, self.older)
        counts = (self.passed, self.failed, self.skipped)
        return f"| {' | '.join(map(str, (*seen, *counts, self.remark)))} |"


def mirror(sources: str) -> str:
    """The first address of a Debian archive in apt's configuration, in its old or its new format.

    Raises:
        ValueError: there is none.
    """
    for pattern in (r"^URIs:\s*(\S+)", r"^deb\s+(?:\[[^]]*\]\s+)?(\S+)"):
        for address in re.findall(pattern, sources, re.MULTILINE):
            if "security" not in address:
                return str(address)
    raise ValueError("apt's configuration names no Debian archive: add one to sources.list.d")


def apt_sources(directory: Path = Path("/etc/apt")) -> str:
    """What apt's files of sources say, those of the distribution first."""
    files = [directory / "sources.list", *directory.glob("sources.list.d/*.sources")]
    files += directory.glob("sources.list.d/*.list")
    files = [file for file in files if file.is_file()]
    files.sort(key=lambda file: "debian" not in file.name)
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def bootstrap(debian: Debian) -> Path:
    """Make the root of a Debian, unless it is there with these packages, and return its path."""
    place = ROOTS / debian.suite
    made_of = place / "packages.txt"
    if not made_of.exists() or made_of.read_text(encoding="utf-8") != PACKAGES:
        shutil.rmtree(place, ignore_errors=True)
        begun = place.with_suffix(".begun")
        shutil.rmtree(begun, ignore_errors=True)
        begun.mkdir(parents=True)
        # A new suite has no script of its own yet: each is a link to that of sid.
        script = SCRIPTS / (debian.suite if (SCRIPTS / debian.suite).exists() else "sid")
        command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", debian.suite]
        command += [str(begun), mirror(apt_sources()), str(script)]
        with (ROOTS / f"{debian.suite}.log").open("w") as log:
            subprocess.run(command, stdout=log, stderr=log, check=True)
        begun.rename(place)
        made_of.write_text(PACKAGES, encoding="utf-8")
    return place


def prepare(place: Path, artefacts: Sequence[Path]) -> None:
    """Put the artefacts and the tree of the source distribution there."""
    for name in ("artefacts", "tree"):
        shutil.rmtree(place / name, ignore_errors=True)
        (place / name).mkdir(parents=True)
    for each in artefacts:
        shutil.copy(each, place / "artefacts")
    with tarfile.open(next(each for each in artefacts if each.suffix == ".gz")) as archive:
        archive.extractall(place / "tree", filter="data")
    (tree,) = (place / "tree").iterdir()
    for each in tree.iterdir():
        each.rename(place / "tree" / each.name)
    tree.rmdir()
    for name in ("report.xml", "pytest.txt"):
        (place / name).unlink(missing_ok=True)


def certificates() -> bytes:
    """The certificates that this machine trusts."""
    named = [os.environ[name] for name in TRUST if name in os.environ]
    places = [*named, "/etc/ssl/certs/ca-certificates.crt"]
    return next(Path(each).read_bytes() for each in places if Path(each).is_file())


def enter(place: Path, script: str, *arguments: str) -> Finished:
    """Run a script in a root, with the machine's certificates and way to the network."""
    (place / "artefacts" / "certificates.pem").write_bytes(certificates())
    shutil.copyfile("/etc/resolv.conf", place / "etc" / "resolv.conf")
    trusted = dict.fromkeys(TRUST, "/artefacts/certificates.pem")
    path = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
    kept = {name: each for name, each in os.environ.items() if name.lower().endswith("_proxy")}
    return apart(ENTER, place, {**kept, **path, **trusted}, script, *arguments)


def stay(place: Path, script: str, *arguments: str) -> Finished:
    """Run a script on the machine itself, without the environment of Python that this runs in."""
    left = ("PYTHON", "VIRTUAL_ENV")
    kept = {name: each for name, each in inner().items() if not name.startswith(left)}
    return apart(STAY, place, kept, script, *arguments)


def apart(way: str, place: Path, environment: Mapping[str, str], *script: str) -> Finished:
    """Run a script with mounts and processes that end with it."""
    command = ["setpriv", "--pdeathsig", "KILL"]  # for unshare survives a signal to end
    command += ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", way, "apart"]
    command += [str(place), "sh", "-c", *script[:1], "script", *script[1:]]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def try_on(debian: Debian, artefacts: Sequence[Path], tests: Sequence[str]) -> Row:
    """Try the wheel alone and all tests on one Debian, or say why it has no root."""
    row = Row(f"Debian {debian.number}", debian.python)
    try:
        place = bootstrap(debian)
    except subprocess.CalledProcessError:
        log = (ROOTS / f"{debian.suite}.log").read_text(encoding="utf-8")
        return replace(row, remark=f"no root: {last_line(log)}")
    return tried(row, place, enter, "python3", artefacts, tests)


def try_here(version: str, artefacts: Sequence[Path], tests: Sequence[str]) -> Row:
    """Try them on the machine itself, if it has a Python of this version."""
    python = python_here(version)
    if python is None:
        return Row(NOWHERE, version, remark="not tried: no Debian has it, nor this machine")
    row = Row("this machine", version)
    return tried(row, ROOTS / f"python{version}", stay, python, artefacts, tests)


def python_here(version: str) -> str | None:
    """The path of a Python that runs, on PATH or among pyenv's: pyenv puts dead names on PATH."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    named = shutil.which(f"python{version}")
    found = [*([named] if named else []), *pyenv.glob(f"versions/{version}.*/bin/python")]
    for python in map(str, found):
        if subprocess.run([python, "-c", ""], capture_output=True).returncode == 0:
            return python
    return None


def tried(
    row: Row,
    place: Path,
    run: Callable[..., Finished],
    python: str,
    artefacts: Sequence[Path],
    tests: Sequence[str],
) -> Row:
    """The row with what is seen of a Python, in a place and by what runs scripts there."""
    prepare(place, artefacts)
    row = seen(row, run(place, CLEAN, python).stdout)
    tested = run(place, TESTS, python, *tests)
    if not (place / "report.xml").exists():
        reason = last_line(tested.stderr or (place / "pytest.txt").read_text(encoding="utf-8"))
        return replace(row, remark=reason)
    return counted(row, place / "report.xml")


def seen(row: Row, output: str) -> Row:
    """The row with what the clean machine printed."""
    found = dict(re.findall(r"^(Python|SQLite|pip|demo) (\S+)", output, re.MULTILINE))
    refused = re.search(r"requires a different Python: 3\.10\S* not in ", output)
    return replace(
        row,
        python=found.get("Python", row.python),
        sqlite=found.get("SQLite", ""),
        pip=found.get("pip", ""),
        demo=f"{found['demo']} s" if "demo" in found else "failed",
        older=REFUSED if refused else "not refused",
    )


def counted(row: Row, report: Path) -> Row:
    """A row with the counts of a report in JUnit's format."""
    found = JUnitXml.fromfile(str(report))
    failed = found.failures + found.errors
    passed = found.tests - failed - found.skipped
    return replace(row, passed=passed, failed=failed, skipped=found.skipped)


def last_line(text: str) -> str:
    """The last line of a text that says something."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "no output")


def table(rows: Sequence[Row]) -> str:
    """The rows as a table in Markdown."""
    names = ("system", "Python", "SQLite", "pip", "install and demo", "Python 3.10")
    head = f"| {' | '.join((*names, 'passed', 'failed', 'skipped', 'remark'))} |"
    return "\n".join([head, "|---" * 10 + "|", *map(str, rows)]) + "\n"


def rows(suites: Sequence[str], jobs: int, tests: Sequence[str]) -> Iterator[Row]:
    """Try the Pythons, some at once; one that the machine has not got is a row that says so."""
    place = ROOTS / "artefacts"
    shutil.rmtree(place, ignore_errors=True)
    artefacts = [build(ROOT, place, kind) for kind in ("wheel", "sdist")]
    attempts: list[Callable[[], Row]] = [
        partial(try_on, debian, artefacts, tests)
        for debian in DEBIANS
        if not suites or debian.suite in suites
    ]
    attempts += [
        partial(try_here, version, artefacts, tests)
        for version in ELSEWHERE
        if not suites or version in suites
    ]
    # Many tests wait for another process, or for a time to come, while those of another Python run.
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda attempt: attempt(), attempts)


def main() -> None:
    """Print the table, and exit with 1 unless each Python that was tried is green."""
    parser = argparse.ArgumentParser(prog="make matrix", description=__doc__)
    parser.add_argument(
        "--suite",
        action="append",
        default=[],
        choices=[*(debian.suite for debian in DEBIANS), *ELSEWHERE],
        help="only this Debian's suite, or 3.12",
    )
    parser.add_argument("--jobs", type=int, default=2, help="how many at once; 2 unless given")
    parser.add_argument("tests", nargs="*", help="what pytest is told, after --")
    asked = parser.parse_args()
    lacking = [name for name in ("debootstrap", "setpriv", "unshare") if shutil.which(name) is None]
    if os.geteuid() != 0 or lacking:
        print(f"make matrix needs root and {' and '.join(lacking or ['chroot'])}", file=sys.stderr)
        raise SystemExit(2)
    found = []
    for row in rows(asked.suite, asked.jobs, asked.tests):
        found.append(row)
        print(row, flush=True)
    TABLE.write_text(table(found), encoding="utf-8")
    print(f"\n{table(found)}")
    raise SystemExit(0 if all(row.is_fine for row in found) else 1)


if __name__ == "__main__":
    main()
