"""What is published: the same bytes wherever it is built, and sound by the checks of others."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pingregistrywf import __version__

from ..tools import require_release
from .artefacts import (
    MOST_BYTES,
    PROJECT,
    ROOT,
    bill_of_materials,
    build,
    checks,
    checksums,
    is_allowed,
    objections,
)

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("release")]

HOSTS = re.compile(
    r"(\w+\.)*example(\.(com|net|org))?|127\.0\.0\.1|localhost|www\.w3\.org|json-schema\.org"
    r"|(docs\.)?nats\.io"
)
"""The hosts that a file may name: those of examples, of schemas, and of the NATS project."""

GENERATED_FILES = {"PKG-INFO"}
"""What the source distribution has, and the source tree has not."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("wheel"), "wheel")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("source"), "sdist")


def unpack(source: Path, place: Path) -> Path:
    """Unpack a source distribution, with modes and times of another machine."""
    place.mkdir()
    mask = os.umask(0o027)
    try:
        with tarfile.open(source) as archive:
            archive.extractall(place, filter="data")
    finally:
        os.umask(mask)
    (tree,) = place.iterdir()
    for number, file in enumerate(sorted(tree.rglob("*"))):
        os.utime(file, (1_000_000_000 + number,) * 2)
    return tree


@pytest.mark.exhaustive
def test_built_in_two_places_they_are_equal_to_the_byte(
    wheel: Path, source: Path, tmp_path: Path
) -> None:
    tree = unpack(source, tmp_path / "a place with another name")
    again = [build(tree, tmp_path / kind, kind) for kind in ("wheel", "sdist")]
    for first, second in zip((wheel, source), again, strict=True):
        assert first.name == second.name
        assert first.read_bytes() == second.read_bytes()


def test_the_source_distribution_has_every_file(source: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    wanted = {
        name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).exists()
    }
    with tarfile.open(source) as archive:
        names = {each.name.partition("/")[2] for each in archive if each.isfile()}
    assert wanted <= names
    untracked = names - wanted - GENERATED_FILES
    assert not [name for name in untracked if "__pycache__" in name or name.startswith(".venv")]


def test_the_wheel_has_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        carried = set(archive.namelist())
    wanted = {f"pingregistrywf/model/{name}" for name in files_below(ROOT / "model")}
    pages = {f"pingregistrywf/conformance/{name}.md" for name in ("adapter-protocol", "behaviour")}
    wanted |= files_below(ROOT / "src") | pages
    about = {
        name for name in carried if name.startswith(f"{wheel.name.split('-py3')[0]}.dist-info/")
    }
    assert carried - about == wanted


def files_below(directory: Path) -> set[str]:
    return {
        file.relative_to(directory).as_posix()
        for file in directory.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def test_they_are_small(wheel: Path, source: Path) -> None:
    for artefact in (wheel, source):
        size = artefact.stat().st_size
        print(f"{artefact.name}: {size:,} bytes")
        assert size <= MOST_BYTES[artefact.suffix], f"{artefact.name} has {size:,} bytes"


def test_they_name_no_machine(wheel: Path, source: Path) -> None:
    places = re.compile(rb"(?<![\w.-])" + re.escape(str(ROOT).encode()) + rb"(?![\w.-])")
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with tarfile.open(source) as packed:
        files |= {each.name: packed.extractfile(each).read() for each in packed if each.isfile()}
        assert {(each.uid, each.gid, each.uname, each.gname) for each in packed} == {(0, 0, "", "")}
    ours = urlsplit(PROJECT["urls"]["Source"]).hostname
    for name, content in files.items():
        assert places.search(content) is None, name
        named = re.findall(r"\bhttps?://([\w.-]*\w)", content.decode("utf-8", "replace"))
        strangers = [host for host in named if host != ours and not HOSTS.fullmatch(host)]
        assert strangers == [], name


@pytest.mark.parametrize("place", ["wheel", "source"])
def test_the_readme_links_to_the_projects_address(
    place: str, request: pytest.FixtureRequest
) -> None:
    artefact: Path = request.getfixturevalue(place)
    address = PROJECT["urls"]["Source"]
    links = re.findall(r"(!?)\[[^\]]*\]\(([^)\s]+)\)", metadata(artefact).get_payload())
    pictures = [link for picture, link in links if picture]
    assert pictures == [f"{address}/raw/v{__version__}/docs/generated/ping_registry.svg"]
    for _, link in links:
        assert link.startswith("https://"), link
        if link.startswith(address):
            path = re.sub(rf"^/(blob|raw)/v{__version__}/", "", link.removeprefix(address))
            assert (ROOT / path.partition("#")[0]).exists(), link
    assert len(links) > 20


def metadata(artefact: Path) -> Message:
    """The metadata of an artefact; its payload is the README."""
    if artefact.suffix == ".whl":
        with zipfile.ZipFile(artefact) as archive:
            (name,) = (each for each in archive.namelist() if each.endswith("METADATA"))
            return message_from_bytes(archive.read(name))
    with tarfile.open(artefact) as archive:
        about = archive.extractfile(f"{artefact.name.removesuffix('.tar.gz')}/PKG-INFO")
        assert about is not None
        return message_from_bytes(about.read())


def test_the_address_is_a_setting_of_the_project_alone() -> None:
    setting = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    address = setting["project"]["urls"]["Source"]
    assert all(each.startswith(address) for each in setting["project"]["urls"].values())
    assert address not in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_checks_of_others_have_no_objection(wheel: Path, source: Path) -> None:
    require_release("twine", "check_wheel_contents", "validate_pyproject")
    for command in checks([wheel, source]):
        run = subprocess.run(command, capture_output=True, text=True)
        assert run.returncode == 0, run.stdout + run.stderr
        assert "warning" not in run.stdout.lower()


def test_an_older_python_is_refused_by_pip(wheel: Path, tmp_path: Path) -> None:
    command = ["-m", "pip", "download", "--no-index", "--no-deps", "--python-version", "3.10"]
    command += ["--only-binary", ":all:", "--dest", str(tmp_path), str(wheel)]
    run = subprocess.run([sys.executable, *command], capture_output=True, text=True)
    assert run.returncode == 1
    assert "requires a different Python: 3.10" in run.stderr
    assert "not in '>=3.11'" in run.stderr


# --- What comes along -----------------------------------------------------------------------------


@pytest.mark.exhaustive
def test_what_is_installed_has_allowed_licences() -> None:
    require_release("cyclonedx_py")
    bill = bill_of_materials(sys.executable)
    assert bill["bomFormat"] == "CycloneDX"
    main = bill["metadata"]["component"]
    assert (main["name"], main["version"]) == ("pingregistrywf", __version__)
    assert main["purl"] == f"pkg:pypi/pingregistrywf@{__version__}"
    # What the program wrote was checked by it; what was added is in this part.
    assert is_valid(json.dumps(bill | {"components": [], "dependencies": []}))
    names = {each["name"].lower().replace("_", "-") for each in bill["components"]}
    assert names >= {"pydantic", "pydantic-core", "grpcio", "orjson", "z3-solver"}
    assert objections(bill) == []


def is_valid(bill: str) -> bool:
    """Whether a bill is as the schema of CycloneDX has it."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    return JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill) is None


@pytest.mark.parametrize(
    ("declared", "allowed"),
    [
        (["MIT"], True),
        (["MIT License"], True),
        (["GPL-3.0-only"], False),
        (["MIT", "GPL-3.0-only"], False),
        (["MIT OR GPL-3.0-only"], True),
        (["MPL-2.0 AND (Apache-2.0 OR MIT)"], True),
        (["MIT AND AGPL-3.0-only"], False),
        ([], False),
    ],
)
def test_a_licence_is_allowed_or_not(declared: list[str], allowed: bool) -> None:
    assert is_allowed(declared) is allowed


def test_an_objection_names_the_package_and_its_licence() -> None:
    bill = {
        "components": [
            {"name": "bad", "version": "1", "licenses": [{"license": {"id": "GPL-3.0-only"}}]},
            {"name": "good", "version": "1", "licenses": [{"expression": "MIT OR BSD-2-Clause"}]},
            {"name": "none", "version": "2"},
        ]
    }
    assert objections(bill) == ["bad 1: GPL-3.0-only", "none 2: no licence"]


def test_checksums_are_in_the_form_that_sha256sum_reads(tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(b"wheel")
    (tmp_path / "SHA256SUMS").write_text(checksums([tmp_path / "a.whl"]), encoding="utf-8")
    run = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=tmp_path, capture_output=True)
    assert run.returncode == 0
