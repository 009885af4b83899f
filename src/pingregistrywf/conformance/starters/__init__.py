"""Starters: small adapters in several languages, for a team to begin with.

``write`` copies the files that lie in this package's directory of a language, and a README and a
CI snippet that all languages share.  What it writes runs as it is, needs nothing to be downloaded,
and passes levels 1 to 3.  Either all files are written, or none; nothing that exists is touched.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

_HERE: Final = Path(__file__).parent
_SHARED: Final = ("README.md", "ci.yml")


@dataclass(frozen=True, slots=True)
class Starter:
    """What there is to know of a language's starter.

    Attributes:
        title: the language's name.
        edited: the file that the team edits.
        plumbing: the files that talk the protocol.
        more: what else the toolchain wants.
        build: the command that builds the adapter; empty if there is none.
        run: the command that is the adapter, as ``conform`` takes it.
        setup: how CI gets the toolchain: an action, and what it is told; empty if it is there.
        other: how the function is called that answers what the plumbing does not know.
        concurrently: what answers each request if the adapter claims ``concurrent``.
    """

    title: str
    edited: str
    plumbing: tuple[str, ...]
    run: str
    build: str = ""
    more: tuple[str, ...] = ()
    setup: tuple[str, str] | tuple[()] = ()
    other: str = "other"
    concurrently: str = "each in a thread of its own"

    @property
    def files(self) -> tuple[str, ...]:
        """What lies in the language's directory, the edited file first."""
        return (self.edited, *self.plumbing, *self.more)


STARTERS: Final[Mapping[str, Starter]] = MappingProxyType(
    {
        "python": Starter("Python", "adapter.py", ("protocol.py",), "python3 adapter.py"),
        "javascript": Starter(
            "JavaScript",
            "adapter.mjs",
            ("protocol.mjs",),
            "node adapter.mjs",
            more=("package.json",),
            setup=("actions/setup-node@v4", 'node-version: "20"'),
            concurrently="each as soon as it comes, while others still await something",
        ),
        "java": Starter(
            "Java",
            "Adapter.java",
            ("Protocol.java", "Json.java"),
            "java -cp build Adapter",
            build="javac -encoding UTF-8 -d build *.java",
            setup=("actions/setup-java@v4", 'distribution: temurin\n          java-version: "17"'),
        ),
        "go": Starter(
            "Go",
            "adapter.go",
            ("protocol.go",),
            "./adapter",
            build="go build -o adapter .",
            more=("go.mod",),
            setup=("actions/setup-go@v5", 'go-version: "1.22"\n          cache: false'),
            other="Other",
            concurrently="each in a goroutine of its own",
        ),
        "rust": Starter(
            "Rust",
            "src/main.rs",
            ("src/protocol.rs", "src/json.rs"),
            "target/release/adapter",
            build="cargo build --release --offline",
            more=("Cargo.toml",),
        ),
    }
)
"""Each language's starter."""

LANGUAGES: Final = tuple(STARTERS)
"""The languages that there is a starter for."""

_ANY_LANGUAGE: Final = "docs/how-to/conformance-any-language.md"


def write(
    language: str, directory: Path, *, sha256: str, chart: str = "ping_registry"
) -> list[Path]:
    """Write a starter; the directory is made if it is not there.

    Args:
        language: one of ``LANGUAGES``.
        directory: where to.
        sha256: the hash of the chart, which the adapter then tells the runner.
        chart: the chart's name.

    Returns:
        The files written; the first is the one that the team edits.

    Raises:
        ValueError: there is no starter for the language.
        FileExistsError: one of the files, or what should be a directory, exists already.
        OSError: a file cannot be written.
    """
    starter = STARTERS.get(language)
    if starter is None:
        known = ", ".join(LANGUAGES)
        raise ValueError(
            f"there is no starter for {language!r}: choose one of {known},"
            f" or write an adapter yourself; {_ANY_LANGUAGE} tells how"
        )
    values = {"CHART": chart, "CHART_SHA256": sha256, **_values(starter)}
    texts = {
        directory / name: _filled(_HERE / language / name, values) for name in starter.files
    } | {directory / name: _filled(_HERE / name, values) for name in _SHARED}
    for path in texts:
        if os.path.lexists(path):
            raise FileExistsError(
                f"{str(path)!r} exists, and is not overwritten:"
                " name another directory, or move the file away"
            )
    made: list[Path] = []
    try:
        for path, text in texts.items():
            _make_directory(path.parent, made)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                made.append(path)
                file.write(text)
    except BaseException:
        for path in reversed(made):
            # What somebody else has put into a directory of ours meanwhile stays, and so does it.
            with contextlib.suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()
        raise
    return list(texts)


def _values(starter: Starter) -> Mapping[str, str]:
    *first, last = (f"`{name}`" for name in starter.plumbing)
    plumbing = f"{', '.join(first)} and {last} talk" if first else f"{last} talks"
    conform = f"pingregistrywf conform --adapter '{starter.run}' --level 1-3"
    setup = ""
    if starter.setup:
        action, told = starter.setup
        setup = f"      - uses: {action}\n        with:\n          {told}\n"
    return {
        "TITLE": starter.title,
        "EDITED": starter.edited,
        "PLUMBING": plumbing,
        "CHECKING": f"`{starter.plumbing[0]}` refuses",
        "CONCURRENTLY": starter.concurrently,
        "HOW_TO_RUN": "\n".join(f"    {line}" for line in (starter.build, conform) if line),
        "OTHER": starter.other,
        "SETUP": setup,
        "CI_BUILD": f"      - run: {starter.build}\n" if starter.build else "",
        "RUN": starter.run,
    }


def _filled(path: Path, values: Mapping[str, str]) -> str:
    text = path.read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def _make_directory(directory: Path, made: list[Path]) -> None:
    if directory.is_dir():
        return
    _make_directory(directory.parent, made)
    try:
        directory.mkdir()
    except FileExistsError:
        raise FileExistsError(
            f"{str(directory)!r} exists, and is no directory: name another one"
        ) from None
    made.append(directory)
