"""One run of TLC: a module and a configuration are checked, and the outcome is data.

TLC examines every reachable state.  A property that does not hold is an outcome, with the behaviour
that breaks it.  A run that ends in any other way is a ``ModelError`` in TLC's own words.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from pingregistrywf.formal.jvm import running, workspace
from pingregistrywf.formal.messages import (
    ERROR,
    PLAIN,
    Message,
    one_line,
    read_messages,
    root_cause,
)
from pingregistrywf.formal.sany import complaint
from pingregistrywf.formal.toolchain import Toolchain
from pingregistrywf.formal.trace import Trace, initial_trace

_TLC: Final = "tlc2.TLC"
_PROGRESS: Final = 2200
_STATISTICS: Final = 2199
_DEPTH: Final = 2194
_FINISHED: Final = 2186
_PARSING_FAILED: Final = 3002
_UNEXPECTED: Final = 1000
"""Says no more than that the message inside of it was not foreseen."""
_NESTED: Final = 2103
"""Lists the places of the expressions, one inside of the other, that were being evaluated."""
_COUNTS: Final = re.compile(
    r"([\d,]+) states generated.* ([\d,]+) distinct states found.* ([\d,]+) states left on queue"
)
_REACHED: Final = re.compile(r"Progress\((\d+)\)|depth of the complete state graph search is (\d+)")
_NAMED: Final = re.compile(r"(?:Invariant|[Pp]roperty) (.+?) is violated")


class Kind(Enum):
    """What it is that does not hold."""

    INVARIANT = "invariant"
    ACTION_PROPERTY = "action property"
    LIVENESS = "liveness property"
    DEADLOCK = "deadlock"
    ASSUMPTION = "assumption"
    ASSERTION = "assertion"


_BY_INITIAL_STATE: Final = (2107, 2108)
_KINDS: Final = {
    2107: Kind.INVARIANT,
    2110: Kind.INVARIANT,
    2108: Kind.ACTION_PROPERTY,
    2112: Kind.ACTION_PROPERTY,
    2116: Kind.LIVENESS,
    2114: Kind.DEADLOCK,
    2104: Kind.ASSUMPTION,
    2132: Kind.ASSERTION,
}


class ModelError(Exception):
    """TLC cannot check a model; the text has TLC's reason in one line.

    Attributes:
        trace: the behaviour that led to what TLC cannot evaluate; empty if there is none.
    """

    def __init__(self, text: str, trace: Trace = Trace()) -> None:  # noqa: B008 (it is immutable)
        super().__init__(text)
        self.trace = trace


@dataclass(frozen=True, slots=True)
class Progress:
    """How far TLC is.

    Attributes:
        generated: how many states it has generated, the same ones counted again.
        distinct: how many different states these are.
        queue: how many of them it has not yet examined.
        seconds: the time since the start of the run.
    """

    generated: int
    distinct: int
    queue: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Violation:
    """A property that does not hold.

    Attributes:
        kind: what it is that does not hold.
        property: its name in the module; empty if TLC does not say, as for liveness properties.
        text: what TLC says.
        trace: the behaviour that breaks it.
    """

    kind: Kind
    property: str
    text: str
    trace: Trace


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run found.

    Attributes:
        generated: how many states TLC generated.
        distinct: how many different states these are.
        depth: the greatest number of states on a shortest way to a state; with several workers a
            little more at times.
        seconds: how long the run took, with the start of the Java machine.
        violation: the first property that TLC found not to hold, None if all hold.
        printed: the lines that the module itself prints.
    """

    generated: int
    distinct: int
    depth: int
    seconds: float
    violation: Violation | None
    printed: tuple[str, ...] = ()


def check(
    toolchain: Toolchain,
    files: Mapping[str, str],
    module: str,
    config: str,
    *,
    deadlock: bool = False,
    workers: int | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Outcome:
    """Check a module exhaustively.

    Args:
        toolchain: the TLA+ tools.
        files: the module and those that it uses, by the names of their files.
        module: the module's name.
        config: the text of the configuration: constants, specification and properties.
        deadlock: whether a state without a successor is a violation.
        workers: how many threads examine states; one for each core unless given.  With one, a
            counterexample is as short as can be.
        progress: is called whenever TLC reports: after three seconds, and then every minute.

    Raises:
        ModelError: TLC cannot check the model.
    """
    options = ["-workers", str(workers or os.cpu_count() or 1)]
    options += [] if deadlock else ["-deadlock"]  # which switches the check off
    with workspace(files) as work:
        return run(toolchain, work, module, config, options, progress)


def run(
    toolchain: Toolchain,
    work: Path,
    module: str,
    config: str,
    options: list[str],
    progress: Callable[[Progress], None] = lambda _: None,
) -> Outcome:
    """Run TLC with these options on a module in a workspace, where it leaves its files.

    Raises:
        ModelError: TLC cannot check the model.
    """
    (work / f"{module}.cfg").write_text(config, encoding="utf-8")
    words = ["-tool", "-metadir", str(work / "states"), "-config", f"{module}.cfg", *options]
    report = _Report(progress)
    with running(toolchain, _TLC, [*words, module], work) as process:
        assert process.stdout is not None  # noqa: S101 (it is a pipe)
        for message in read_messages(process.stdout):
            report.take(message)
        exit_code = process.wait()
    return report.outcome(module, exit_code)


class _Report:
    """What TLC has said so far in one run."""

    def __init__(self, progress: Callable[[Progress], None]) -> None:
        self._progress = progress
        self._start = time.monotonic()
        self._counts = (0, 0, 0)
        self._depth = 0
        self._finished = False
        self._plain: list[str] = []
        self._errors: list[Message] = []
        self._trace = Trace()

    def take(self, message: Message) -> None:
        """Note what a message says."""
        code, text = message.code, message.text
        if code == PLAIN:
            self._plain.append(text)
        elif code in (_PROGRESS, _STATISTICS, _DEPTH):
            self._take_counts(code, text)
        elif message.severity == ERROR:
            self._errors.append(message)
        self._finished |= code == _FINISHED
        self._trace = self._trace.with_message(code, text)

    def _take_counts(self, code: int, text: str) -> None:
        if reached := _REACHED.search(text):
            self._depth = int(reached[1] or reached[2])
        if counts := _COUNTS.search(text):
            generated, distinct, queue = (int(each.replace(",", "")) for each in counts.groups())
            self._counts = generated, distinct, queue
            if code == _PROGRESS:
                self._progress(Progress(generated, distinct, queue, self._seconds))

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._start

    def outcome(self, module: str, exit_code: int) -> Outcome:
        """Return the outcome of the run, which has ended with this exit code.

        Raises:
            ModelError: it is not the end of a run that has checked the model.
        """
        violation = self._violation()
        if not self._finished or (exit_code != 0 and violation is None):
            reason = self._reason() or f"Java ended with exit code {exit_code}"
            raise ModelError(f"TLC cannot check the module {module}: {reason}", self._trace)
        generated, distinct, _ = self._counts
        printed = tuple(self._plain)
        return Outcome(generated, distinct, self._depth, self._seconds, violation, printed)

    def _violation(self) -> Violation | None:
        for error in self._errors:
            cause = root_cause(error)
            if (kind := _KINDS.get(error.code) or _KINDS.get(cause.code)) is not None:
                text, trace = cause.text, self._trace
                if error.code in _BY_INITIAL_STATE:
                    text, _, shown = text.partition("\n")
                    trace = initial_trace(shown)
                named = _NAMED.search(text)
                return Violation(kind, named[1] if named else "", one_line(text), trace)
        return None

    def _reason(self) -> str:
        """Return in one line why TLC did not check the model."""
        if not self._errors or self._errors[0].code == _PARSING_FAILED:
            return complaint(self._plain)
        error = self._errors[0]
        texts = [root_cause(error).text]
        if error.cause is not None and error.code != _UNEXPECTED:
            texts.insert(0, error.text)
        nested = (each.text for each in self._errors if each.code == _NESTED)
        texts += [f"({text.rpartition('. ')[2]})" for text in nested]
        return one_line(" ".join(texts))
