"""Record what the model checker finds, for the page about the formal model.

Building the site needs no Java: what TLC finds is kept beside this program, and drawn from there.
``python docs/recorded/record.py`` writes the counterexamples that ``counterexamples.yaml`` lists,
and with ``--check`` it compares them and exits with 1 if the checker finds others now.  One worker
runs, so that it always finds the same shortest one.  Of a liveness property it may find another one
each time; the recorded one then stays, as long as there is one.

The states of each size take minutes; the program itself writes them, and the cells of the tables:
``pingregistrywf verify --exhaustive --json > docs/recorded/sizes.jsonl``, and
``pingregistrywf verify --cells > docs/recorded/cells.txt``.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import yaml

from pingregistrywf.chart.locate import load_model
from pingregistrywf.chart.system import Fault, Size
from pingregistrywf.formal.faults import faulty_files
from pingregistrywf.formal.timeline import timeline
from pingregistrywf.formal.tlc import Kind, check
from pingregistrywf.formal.toolchain import Toolchain, find_toolchain
from pingregistrywf.generate.tla.checks import check_at

HERE: Final = Path(__file__).parent
FILES: Final = sorted((HERE.parents[1] / "model").glob("*.yaml"))
SYSTEM: Final = "ping_registry_system"


def counterexamples(toolchain: Toolchain) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the file of each counterexample, and what belongs in it."""
    listed = yaml.safe_load((HERE / "counterexamples.yaml").read_text(encoding="utf-8"))
    for name, given in listed.items():
        yield HERE / f"{name}.json", _counterexample(toolchain, given)


def _counterexample(toolchain: Toolchain, given: Mapping[str, Any]) -> dict[str, Any]:
    model = load_model(FILES)
    properties = model.properties[SYSTEM]
    declared = properties.properties[given["property"]]
    if "fault" in given:
        fault = declared.faults[given["fault"] - 1]
    else:
        fault = Fault(size=given["size"], operators=given["operators"], doc="As it was.")
    sizes = {name: Size(**size) for name, size in given.get("sizes", {}).items()}
    system = model.systems[SYSTEM]
    system = system.model_copy(update={"sizes": {**system.sizes, **sizes}})
    run = check_at(system, properties, given["property"], fault.size)
    with tempfile.TemporaryDirectory() as scratch:
        files = faulty_files(FILES, SYSTEM, fault, Path(scratch))
    outcome = check(toolchain, files, run.module, run.configuration, workers=1)
    if outcome.violation is None:
        raise SystemExit(f"{given['property']} holds with the fault that it should catch")
    lines = timeline(outcome.violation.trace, model.charts)
    return {
        "property": given["property"],
        "kind": outcome.violation.kind.value,
        "size": fault.size,
        "timeline": [asdict(line) | {"details": list(line.details)} for line in lines],
    }


def is_recorded(file: Path, found: Mapping[str, Any]) -> bool:
    """Return whether a file has this counterexample, or of liveness any of the same property."""
    if not file.exists():
        return False
    recorded = json.loads(file.read_text(encoding="utf-8"))
    if found["kind"] == Kind.LIVENESS.value:
        recorded, found = ({**each, "timeline": []} for each in (recorded, found))
    return bool(recorded == found)


def main() -> int:
    """Write all counterexamples that are not recorded, or only name them."""
    checking = "--check" in sys.argv[1:]
    differing = False
    for file, found in counterexamples(find_toolchain()):
        if is_recorded(file, found):
            continue
        differing = True
        sys.stdout.write(f"{file.name}\n")
        if not checking:
            text = json.dumps(found, indent=1, ensure_ascii=False)
            file.write_text(f"{text}\n", encoding="utf-8")
    return 1 if differing and checking else 0


if __name__ == "__main__":
    sys.exit(main())
