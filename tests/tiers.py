"""How much the tests do: the environment's ``EXHAUSTIVE=1`` asks for all that they can."""

from __future__ import annotations

import os

EXHAUSTIVE = os.environ.get("EXHAUSTIVE") == "1"
