"""What the explorer shows of a link."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from pingregistrywf.chart.ir import Model

from ..tools import require_tool

RESTORE = Path(__file__).with_name("restore.mjs")


def restored(model: Model, link: str) -> Any:
    """Return the histories and errors that the explorer shows of a link."""
    job = {
        "charts": [each.model_dump(mode="json") for each in model.charts.values()],
        "operations": [each.model_dump(mode="json") for each in model.operations.values()],
        "link": link,
    }
    node = [require_tool("node"), str(RESTORE), json.dumps(job)]
    done = subprocess.run(node, capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout)
