"""What ``verify --trace`` does: compare a journal with the model in TLA+."""

from __future__ import annotations

from pathlib import Path

from pingregistrywf.cli.charts import files_of_checkout
from pingregistrywf.cli.common import (
    REFUSED,
    CannotRunError,
    answer,
    answering,
    fail,
    opened_file,
    print_timeline,
    shown_url,
)
from pingregistrywf.cli.declarations import declarations


def follow_journal(url: str, model: list[Path] | None, jar: Path | None) -> None:
    """Say whether the model could have written a journal; if not, show where it stops."""
    from pingregistrywf.chart.locate import load_model
    from pingregistrywf.chart.mistakes import ChartError
    from pingregistrywf.coordination.timeline import Line
    from pingregistrywf.formal.following import follow
    from pingregistrywf.formal.journal_trace import TraceError, read_trace
    from pingregistrywf.formal.tlc import ModelError
    from pingregistrywf.formal.toolchain import MissingToolError, find_toolchain

    with answering(ChartError, MissingToolError, ModelError, TraceError):
        read = load_model(model or files_of_checkout())
        if not read.systems:
            raise CannotRunError("there is nothing to compare with: the model has no system")
        toolchain = find_toolchain(jar)
        with opened_file(url) as opened:
            trace = read_trace(opened, declarations())
        verdict = follow(toolchain, read, next(iter(read.systems)), trace)
    count = len(trace.events)
    if verdict.accepted:
        events = "the one event" if count == 1 else f"the {count:,} events"
        text = f"accepted: the model could have written {events} of {shown_url(url)}"
        answer({"journal": shown_url(url), "accepted": True, "events": count}, text)
        return
    shown = trace.events[: verdict.length + 1]
    print_timeline(Line(each.declaration, each.event) for each in shown)
    if verdict.length < count:
        place = f"the event shown last, which is number {len(shown)} of {count}"
        fail(f"refused: the model cannot write {place}", REFUSED)
    fail("refused: the model can write all events, but cannot delete what is deleted", REFUSED)
