"""What your own tests need.  This is the only package here that needs pytest.

``given`` begins a test of a chart: what a command does after certain events.  ``fixtures`` has a
journal in memory, a clock that stands still and ids in order, for whoever asks for them.
``journal`` has the tests that every journal passes.
"""

import pytest

pytest.register_assert_rewrite("pingregistrywf.testing.journal")

from pingregistrywf.testing.clock import TurnedClock  # noqa: E402 (asserts are rewritten before)
from pingregistrywf.testing.scenario import Given, When, given  # noqa: E402

__all__ = ["Given", "TurnedClock", "When", "given"]
