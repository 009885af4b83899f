"""Where the project's own charts are: in the wheel, in an editable checkout, in the source tree.

The wheel carries ``model/`` as package data at ``pingregistrywf/model``.  A checkout keeps it at
the root, beside ``src/``, where people edit it; an editable installation finds it there, too.
The layouts of their diagrams are in the generated documents, where Graphviz is not needed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files as resources
from pathlib import Path

from pingregistrywf.chart.ir import Chart, Model
from pingregistrywf.chart.layout import Layout
from pingregistrywf.chart.lower import read_model

_PACKAGE = Path(__file__).resolve().parent.parent
_PLACES = (_PACKAGE / "model", _PACKAGE.parent.parent / "model")


def model_directory() -> Path:
    """The directory of the project's own charts and operations.

    Raises:
        FileNotFoundError: neither the package nor a checkout around it has one.
    """
    for place in _PLACES:
        if any(place.glob("*.yaml")):
            return place
    looked = " and ".join(str(place) for place in _PLACES)
    raise FileNotFoundError(
        f"the charts of pingregistrywf are missing: there is no *.yaml in {looked}; "
        "install the package again, or run it from a whole checkout"
    )


def load_model(files: Sequence[Path] = ()) -> Model:
    """Read and lower the charts and operations of some files; the project's own without files.

    Raises:
        OSError: a file cannot be read, or none of them holds a chart.
        ChartError: there are mistakes in them.
    """
    model = read_model(files or sorted(model_directory().glob("*.yaml")))
    if not model.charts:
        raise FileNotFoundError("no chart is given: name a file that holds one")
    return model


def with_layout(chart: Chart) -> Chart:
    """Return a chart with its diagram's layout, if it is one of the project's own.

    The layout is that of the generated ``chart.json``.  A chart with any other content is returned
    as it is.  Source of the rule: documentation, chart.json.
    """
    generated = resources("pingregistrywf._generated").joinpath(chart.name, "chart.json")
    if not generated.is_file():
        return chart
    document = json.loads(generated.read_text(encoding="utf-8"))
    layout = document.pop("layout", None)
    same = document == chart.model_dump(mode="json", by_alias=True, exclude={"layout"})
    return chart.model_copy(update={"layout": Layout.model_validate(layout)}) if same else chart
