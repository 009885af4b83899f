"""Wheels of what is installed here, so that pip can install it elsewhere without an index."""

from __future__ import annotations

import zipfile
from importlib.metadata import Distribution, PackagePath, distribution
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.tags import sys_tags
from packaging.utils import canonicalize_name

_NOT_IN_WHEELS = {"INSTALLER", "RECORD", "REQUESTED", "direct_url.json"}


def fill(directory: Path, requirement: str) -> None:
    """Write a wheel of each distribution that a requirement needs, but not of the required one."""
    seen: set[tuple[str, str]] = set()
    left = [(Requirement(requirement).name, each) for each in Requirement(requirement).extras]
    while left:
        name, extra = left.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        for text in distribution(name).requires or ():
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                left += [(canonicalize_name(needed.name), each) for each in ("", *needed.extras)]
    for name in sorted({name for name, _ in seen} - {Requirement(requirement).name}):
        _pack(distribution(name), directory)


def _pack(installed: Distribution, directory: Path) -> None:
    about = next(each for each in installed.files or () if each.name == "METADATA").parent
    fits = {str(tag) for tag in sys_tags()}
    lines = (installed.read_text("WHEEL") or "").splitlines()
    tag = next(tag for line in lines if (tag := line.removeprefix("Tag: ")) in fits)
    wheel = directory / f"{about.name.removesuffix('.dist-info')}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        record = []
        for file in installed.files or ():
            name = _in_wheel(file, about)
            if name is not None:
                archive.write(Path(str(file.locate())), name)
                record.append(f"{name},,\n")
        archive.writestr(f"{about.as_posix()}/RECORD", "".join(record))


def _in_wheel(file: PackagePath, about: PurePosixPath) -> str | None:
    """The name of an installed file in its wheel; None if pip made it."""
    if file.suffix == ".pyc" or file.name in _NOT_IN_WHEELS:
        return None
    if file.parts[0] != "..":
        return file.as_posix()
    # pip writes the programs in Python itself, from the entry points; others come with the wheel.
    is_written = file.parent.name != "bin" or Path(str(file.locate())).read_bytes()[:2] == b"#!"
    return None if is_written else f"{about.with_suffix('.data')}/scripts/{file.name}"
