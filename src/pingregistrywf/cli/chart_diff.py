"""The command ``chart diff``, and the warning of ``generate``: what a changed chart breaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from typer import Argument

from pingregistrywf.cli.common import (
    REFUSED,
    CannotRunError,
    answer,
    answering,
    json_wanted,
    with_json,
)
from pingregistrywf.runtime.counts import counted

if TYPE_CHECKING:
    from pingregistrywf.chart.diff import Change
    from pingregistrywf.chart.ir import Chart

_PARTIES: Final = {
    "stored": "stored histories",
    "readers": "old readers",
    "implementations": "old implementations",
}


@with_json
def diff(
    old: Annotated[
        Path, Argument(metavar="OLD", help="The earlier version: a file, or a generated package.")
    ],
    new: Annotated[Path, Argument(metavar="NEW", help="The later version, likewise.")],
) -> None:
    """Compare two versions of a chart: what changes, and for whom; exit 1 if something breaks."""
    found = list(_differences(_charts_at(old), _charts_at(new)))
    for change in found:
        _print(change)
    broken = sum(change.breaks for change in found)
    text = "no change"
    if found:
        count = counted(len(found), "change")
        breaking = f"{broken} {'breaks' if broken == 1 else 'break'} something"
        text = f"{count}: {breaking if broken else 'nothing breaks'}"
    if json_wanted():
        answer({"changes": len(found), "breaking": broken}, text)
    else:
        typer.echo(text)
    if broken:
        raise typer.Exit(REFUSED)


def warn_of_breaks(charts: Mapping[str, Chart], directory: Path) -> None:
    """Name what breaks where generated packages are about to be overwritten."""
    from pydantic import ValidationError

    for chart in charts.values():
        document = directory / chart.name / "chart.json"
        if not document.is_file():
            continue
        try:
            old = _chart_of(document)
        except ValidationError:  # another version of this program wrote it
            continue
        for change in _differences({old.name: old}, {chart.name: chart}):
            if change.breaks:
                text = f"warning: {chart.name}: {change}; {change.remedy}"
                answer({"warning": str(change), "remedy": change.remedy}, text, err=True)


def _differences(old: Mapping[str, Chart], new: Mapping[str, Chart]) -> Iterator[Change]:
    from pingregistrywf.chart.diff import differences

    names = {name: name if name in old else chart.was for name, chart in new.items()}
    if len(old) == len(new) == 1:
        names = dict(zip(new, old, strict=True))
    gone = [name for name in old if name not in names.values()]
    if gone:
        raise CannotRunError(f"there is no later version of {' and '.join(gone)}: name one chart")
    for name, before in names.items():
        if before is not None and before in old:
            yield from differences(old[before], new[name])


def _charts_at(path: Path) -> Mapping[str, Chart]:
    """Read the charts of a file, of a chart.json, or of generated packages."""
    from pydantic import ValidationError

    from pingregistrywf.chart.locate import load_model
    from pingregistrywf.chart.mistakes import ChartError

    documents: Iterable[Path] = [path]
    if path.is_dir():
        documents = sorted([*path.glob("chart.json"), *path.glob("*/chart.json")])
        if not documents:
            raise CannotRunError(f"there is no generated package in {str(path)!r}")
    elif path.suffix != ".json":
        with answering(ChartError):
            return load_model([path]).charts
    try:
        read = [_chart_of(each) for each in documents]
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"])) or "its beginning"
        raise CannotRunError(
            f"{str(path)!r} holds no chart that this version can read (at {where}): generate it"
            " again, or name the chart's file"
        ) from error
    return {chart.name: chart for chart in read}


def _chart_of(document: Path) -> Chart:
    from pingregistrywf.chart.ir import Chart

    return Chart.model_validate_json(document.read_bytes())


def _print(change: Change) -> None:
    parties = {name: getattr(change, key) for key, name in _PARTIES.items()}
    lines = [f"  {name:<20} {effect}" for name, effect in parties.items()]
    if change.remedy:
        lines.append(f"  {'remedy':<20} {change.remedy}")
    verdict = "breaks " if change.breaks else "changes"
    fields = {
        "path": change.path,
        "change": change.what,
        "breaks": change.breaks,
        **{name.replace(" ", "_"): effect for name, effect in parties.items()},
        "remedy": change.remedy or None,
    }
    answer(fields, "\n".join([f"{verdict} {change}", *lines]))
