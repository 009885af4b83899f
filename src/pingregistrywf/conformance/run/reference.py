"""The reference implementation, to judge sequences that the suite does not have.

A part of a case may ask for what no rule defines, such as a race on a history that was never begun.
Such a sequence shows nothing: it fails on a right implementation, too.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Final

from pingregistrywf.conformance.run.result import Status
from pingregistrywf.conformance.run.session import InfrastructureError, Session
from pingregistrywf.conformance.run.transport import CannotStartError, ChildTransport
from pingregistrywf.conformance.suite import Suite
from pingregistrywf.conformance.suite.case import Case

TIMEOUT: Final = 60.0


class Reference:
    """The reference implementation of a suite's charts, in a process that starts when it is needed.

    Args:
        suite: its charts are implemented.
        files: where they were read from; this project's own without files.
    """

    def __init__(self, suite: Suite, files: Sequence[Path] = ()) -> None:
        # The journal is the adapter's store, whatever journal the user has.
        words = [sys.executable, "-m", "pingregistrywf", "adapter", "--journal", ""]
        words += [word for file in files for word in ("--model", str(file))]
        self._command = shlex.join(words)
        self._suite = suite
        self._session: Session | None = None

    def passes(self, case: Case) -> bool:
        """Whether the reference passes a case; also if it cannot be asked."""
        try:
            if self._session is None:
                transport = ChildTransport(self._command, TIMEOUT)
                self._session = Session(self._suite, transport, Random())  # noqa: S311 (ids)
            return self._session.execute_alone(case).status is Status.PASSED
        except (CannotStartError, InfrastructureError):
            return True

    def close(self) -> None:
        """End the process, if it was started."""
        if self._session is not None:
            self._session.close()
