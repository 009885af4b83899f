"""Versions of the approval chart, each made from the text of the first one by replacements."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from pingregistrywf.chart.lower import read_model
from pingregistrywf.generate.imported import imported

APPROVAL = Path(__file__).with_name("approval.yaml")
TEXT = APPROVAL.read_text(encoding="utf-8")


def changed(directory: Path, *replacements: tuple[str, str]) -> Path:
    """Write the next version of the chart, with each old text replaced, and return its file."""
    text = TEXT.replace('"1.0.0"', '"2.0.0"')
    for old, new in replacements:
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        text = text.replace(old, new)
    path = directory / "approval.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def patched(patch: str) -> str:
    """Return the next version of the chart, changed by a patch: its hunks have a line between."""
    text = TEXT.replace('"1.0.0"', '"2.0.0"')
    for hunk in patch.rstrip("\n").split("\n\n"):
        lines = hunk.splitlines(keepends=True)
        old, new = (
            "".join(line[1:].rstrip("\n") + "\n" for line in lines if line[0] in kept)
            for kept in (" -", " +")
        )
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        text = text.replace(old, new)
    return text


def package_of(path: Path) -> ModuleType:
    """Return the generated package of the one chart in a file."""
    (package,) = imported(read_model([path])).values()
    return package


REVIEWED_ONLY = (
    """      - {in: [Submitted, Reviewed], emit: Approved}
""",
    """      - {in: [Reviewed], emit: Approved}
""",
)
"""A text can be approved only after a review."""
RETIRED = (
    REVIEWED_ONLY[0],
    f"""{REVIEWED_ONLY[1]}      - {{in: [Submitted], emit: Approved, retired: true}}
""",
)
"""The same, and stored histories without a review stay as they are."""
BEGUN_OTHERWISE = (
    """      - {in: [Unwritten], emit: Drafted}
""",
    """      - {in: [Unwritten], emit: Drafted, retired: true}
  Begin:
    args:
      author: {type: string, nonzero: true}
      text: {type: string}
    rules:
      - {in: [Unwritten], emit: Drafted}
""",
)
"""Histories are begun by another command."""
LANGUAGE = (
    """      text: {type: string, wire: 12, doc: The first version.}
    set: {author: author, text: text}
""",
    """      text: {type: string, wire: 12, doc: The first version.}
      language: {type: string, wire: 16, nonzero: true, default: en, doc: Its language.}
    set: {author: author, text: text, language: language}
""",
)
"""The event has a new field, which older events lack."""
LANGUAGE_CARRIED = (
    """  reason: {type: string, doc: Why it was rejected.}
""",
    """  reason: {type: string, doc: Why it was rejected.}
  language: {type: string, doc: The language of the text.}
""",
)
LANGUAGE_ARGUMENT = (
    """      text: {type: string, doc: The first version.}
""",
    """      text: {type: string, doc: The first version.}
      language: {type: string, nonzero: true, doc: Its language.}
""",
)
DEFAULT = (LANGUAGE, LANGUAGE_CARRIED, LANGUAGE_ARGUMENT)
