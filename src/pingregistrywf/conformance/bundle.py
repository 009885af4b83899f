"""The bundle: all that a team needs to run the suite without Python, in one zip file.

The same version makes the same bytes: entries are sorted, bear no time, and are hashed in a
manifest.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, TypeAlias

from pingregistrywf.chart.ir import Chart, Operations, json_schema, to_json
from pingregistrywf.chart.locate import with_layout
from pingregistrywf.conformance.reports.write import put
from pingregistrywf.conformance.suite import VERSION, Suite
from pingregistrywf.conformance.suite.case_file import schema
from pingregistrywf.conformance.suite.levels import LEVELS
from pingregistrywf.conformance.suite.wire import decoded
from pingregistrywf.generate.proto import file_name, proto

Json: TypeAlias = Any

EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
"""The one time that every entry bears; a zip file knows no earlier."""
PROTOCOL: Final = Path("docs/reference/adapter-protocol.md")
BEHAVIOUR: Final = PROTOCOL.with_stem("behaviour")
"""Where a checkout has the pages; the wheel has them beside this module."""
CI_FILES: Final = ("action.yml", "gitlab.yml")
"""What runs the suite in a team's CI, in the directory ``ci`` here and in the bundle."""
MODE: Final = 0o644 << 16
_UNPAIRED: Final = re.compile(
    r"\\ud[89ab][0-9a-f]{2}(?!\\ud[c-f])|(?<!\\ud[89ab][0-9a-f]{2})\\ud[c-f][0-9a-f]{2}"
)
"""An escape of half a surrogate pair, in JSON that is ASCII."""
_BEHAVIOUR_ROW: Final = (
    f"| `{BEHAVIOUR.name}` | what the workflow, the journal, the index and the operations do |\n"
)
_LINK: Final = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]*\)")


def read_page(page: Path) -> str:
    """The text of ``PROTOCOL`` or ``BEHAVIOUR``: in the wheel, or in a checkout.

    Raises:
        FileNotFoundError: it is in neither.
    """
    here = Path(__file__).resolve().parent
    places = (here / page.name, here.parents[2] / page)
    for place in places:
        if place.is_file():
            return place.read_text(encoding="utf-8")
    looked = " and ".join(map(str, places))
    raise FileNotFoundError(f"the page {page.name} is missing: there is no {looked}")


def write_bundle(suite: Suite, pages: Mapping[str, str], to: Path) -> None:
    """Write the bundle of a suite to a file, which is replaced if it is there.

    Args:
        pages: the pages that it holds, as Markdown, by the names of their files.
    """
    contents = dict(sorted(_contents(suite, pages)))
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    listed = {
        "format": "pingregistrywf-bundle/1",
        "suite": VERSION,
        "chart": suite.chart.name,
        "chart_sha256": suite.chart.sha256,
        "files": hashes,
    }
    contents["manifest.json"] = _json(listed)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in contents.items():
            entry = zipfile.ZipInfo(name, EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = MODE
            archive.writestr(entry, data)
    put(to, made.getvalue())


def _contents(suite: Suite, pages: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    counts: Counter[int] = Counter()
    lines, paired = [], []
    for case in suite.cases():
        counts[case.level] += 1
        line = json.dumps(case.document(), separators=(",", ":"), sort_keys=True)
        lines.append(line)
        if not _UNPAIRED.search(line):
            paired.append(line)
    yield "cases.jsonl", ("\n".join(lines) + "\n").encode()
    yield "cases-without-surrogates.jsonl", ("\n".join(paired) + "\n").encode()
    for name, operations in suite.model.operations.items():
        yield f"operations/{name}.json", to_json(operations).encode()
    if suite.model.operations:
        yield "operations/operations.schema.json", _json(json_schema(Operations))
    for name, chart in suite.model.charts.items():
        yield f"charts/{name}.json", to_json(with_layout(chart)).encode()
        yield f"charts/{file_name(chart)}", proto(chart).encode()
        vectors = [
            {"what": what, "bytes": data} | dict(zip(("answer", "either"), answers, strict=False))
            for what, data, *answers in decoded(chart)
        ]
        yield f"wire/{name}.json", _json(vectors)
    yield "case.schema.json", _json(schema())
    yield "charts/chart.schema.json", _json(json_schema(Chart))
    for name, page in pages.items():
        # Links lead to pages that are not in the bundle.
        yield name, _LINK.sub(r"\1", page).encode()
    here = files("pingregistrywf.conformance")
    for name in CI_FILES:
        yield f"ci/{name}", here.joinpath("ci", name).read_bytes()
    readme = here.joinpath("bundle.md").read_text(encoding="utf-8")
    rows = [f"| {level} | {name} | {counts[level]:,} |" for level, name in LEVELS.items()]
    values = {
        "version": VERSION,
        "chart": suite.chart.name,
        "levels": "\n".join(rows),
        "behaviour": _BEHAVIOUR_ROW if BEHAVIOUR.name in pages else "",
    }
    for key, value in values.items():
        readme = readme.replace(f"@{key}@", value)
    yield "README.md", readme.encode()


def _json(value: Json) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()
