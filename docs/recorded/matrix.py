"""Record what the suite says of the reference, the explorer's engine and the starters.

``python docs/recorded/matrix.py`` writes each starter, builds it, runs ``conform matrix`` on all of
them, and writes the result to ``matrix.json``, and as tables into the page about them.  Building
the site then needs no other language.  It takes some minutes, and needs Node, Go, Java and Rust.
With ``--check`` it only compares, and exits with 1 if an implementation has another result now.

Write it anew when the suite, the chart or a starter has changed.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from pingregistrywf._generated.ping_registry import DECLARATION
from pingregistrywf.conformance.starters import STARTERS, write
from pingregistrywf.generate.markdown import grid

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
RECORDED: Final = HERE / "matrix.json"
GENERATED: Final = ROOT / "src" / "pingregistrywf" / "_generated"
ENGINE: Final = (
    "node",
    str(ROOT / "tests" / "explorer" / "adapter.mjs"),
    *(str(GENERATED / name / "chart.json") for name in ("ping_registry", "ping_registry_index")),
)
PROGRAM: Final = (sys.executable, "-m", "pingregistrywf")
PAGE: Final = HERE.parent / "explanation" / "implementations.md"
_TABLES: Final = re.compile(
    r"(?<=^<!-- begin generated matrix -->\n).*?(?=^<!-- end generated matrix -->$)",
    re.MULTILINE | re.DOTALL,
)


def implementations(scratch: Path) -> dict[str, str]:
    """Return the command of each implementation, by its name; the starters are built there."""
    commands = {
        "reference": shlex.join([*PROGRAM, "adapter"]),
        "explorer's engine": shlex.join(ENGINE),
    }
    for language, starter in STARTERS.items():
        directory = scratch / language
        write(language, directory, sha256=DECLARATION.sha256)
        if starter.build:
            subprocess.run(starter.build, shell=True, cwd=directory, check=True)  # noqa: S602
        script = f"cd {shlex.quote(str(directory))} && exec {starter.run}"
        commands[f"{starter.title} starter"] = shlex.join(["sh", "-c", script])
    return commands


def run() -> dict[str, Any]:
    """Return the document that ``conform matrix`` makes of a full run."""
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        listed = "\n".join(
            f"[[implementation]]\nname = {json.dumps(name)}\ncommand = {json.dumps(command)}\n"
            for name, command in implementations(scratch).items()
        )
        file = scratch / "matrix.toml"
        file.write_text(listed, encoding="utf-8")
        report = scratch / "matrix.json"
        command = [*PROGRAM, "conform", "matrix", str(file), "--json-report", str(report)]
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
        document: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return document


def results(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what there is to compare: all but the versions of the implementations."""
    kept = json.loads(json.dumps(document["implementations"]))
    for each in kept:
        each["adapter"].pop("version")
    return list(kept)


def with_tables(page: str, document: dict[str, Any]) -> str:
    """Return the page with the tables of a document."""
    return _TABLES.sub(lambda _: tables(document), page)


def tables(document: dict[str, Any]) -> str:
    """Return what was run, the levels, and the capabilities, as Markdown."""
    made = document["implementations"]
    levels = document["scope"]["levels"]
    results = grid(
        ("implementation", "language", *(f"level {level}" for level in levels)),
        (
            (
                each["name"],
                each["adapter"]["language"],
                *(_cell(each["levels"][str(level)]) for level in levels),
            )
            for each in made
        ),
    )
    claimed = {each["name"]: set(each["adapter"]["capabilities"]) for each in made}
    capabilities = grid(
        ("capability", *claimed),
        (
            (f"`{name}`", *("yes" if name in claims else "no" for claims in claimed.values()))
            for name in sorted(set().union(*claimed.values()))
        ),
    )
    differing = [
        f"- {each['name']}: {difference}" for each in made for difference in each["differences"]
    ]
    differences = "\n".join(differing) or "No implementation differs from the chart."
    about = f"Version {document['suite']} of the suite, bound {document['scope']['bound']}:"
    return "\n\n".join((about, results, differences, capabilities)) + "\n"


def _cell(level: dict[str, Any]) -> str:
    if level["result"] == "not claimed":
        return "not claimed"
    counts = f"{level['cases']:,}"
    if level["not_claimed"]:
        counts += f" of {level['cases'] + level['not_claimed']:,}"
    return f"{level['result']}: {counts}"


def main() -> int:
    """Write the document and its page, or only compare it."""
    found = run()
    if "--check" in sys.argv[1:]:
        recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
        return int(results(recorded) != results(found))
    text = json.dumps(found, indent=1, ensure_ascii=False)
    RECORDED.write_text(f"{text}\n", encoding="utf-8")
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
