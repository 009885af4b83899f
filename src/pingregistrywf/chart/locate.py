"""Where the project's own charts are: in the wheel, in an editable checkout, in the source tree.

The wheel carries ``model/`` as package data at ``pingregistrywf/model``.  A checkout keeps it at
the root, beside ``src/``, where people edit it; an editable installation finds it there, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pingregistrywf.chart.ir import Model
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
