"""What your own tests need; it needs pytest, and its property tests Hypothesis.

``given`` begins a test of a chart: what a command does after certain events.  ``machine`` tests
random commands against the chart, and ``strategies`` draws commands, events, histories and states.
``cells`` tells which cells of the chart's table the tests reached.  ``fixtures`` has a journal in
memory, a clock that stands still and ids in order, for whoever asks for them.  ``FaultyJournal`` is
a journal that fails on demand, and ``journal`` has the tests that every journal passes.
"""

import pytest

pytest.register_assert_rewrite("pingregistrywf.testing.journal")

from pingregistrywf.testing.clock import TurnedClock  # noqa: E402 (asserts are rewritten before)
from pingregistrywf.testing.faulty import Failure, FaultyJournal  # noqa: E402
from pingregistrywf.testing.scenario import Given, When, given  # noqa: E402

__all__ = ["Failure", "FaultyJournal", "Given", "TurnedClock", "When", "given"]
