"""The messages of a history that another journal stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from pingregistrywf.runtime.journal.history import ChartIdentity, Entry
from pingregistrywf.runtime.journal.inspection import Stored
from pingregistrywf.runtime.journal.nats.record import (
    MOST_MESSAGES,
    Message,
    PastTrim,
    Point,
    Row,
    mark,
    messages,
)


def adopted(
    subject: str, stored: Stored, entries: Sequence[Entry], charts: Sequence[ChartIdentity]
) -> list[Message]:
    """Return the messages that a history has here, to be published as one batch.

    Where its entries will stand is not known yet, so that reading begins at its first one.
    """
    trims = tuple(PastTrim(each.at, Point(each.start)) for each in stored.trims)
    row = replace(
        Row.begun(stored.chart),
        vid=entries[0].parent if entries else stored.vid,
        end=stored.first,
        start=Point(stored.start),
        base=stored.first,
        trims=trims,
        trimmed_at=stored.trimmed_at,
    )
    made: list[Message] = []
    parts = list(_parts(stored, charts))
    # Each part may leave one message incomplete, and the mark of a deletion is one as well.
    limit = max(MOST_MESSAGES - len(parts) - 1, 1)
    some = -(-len(entries) // limit) if entries else 1
    for begin, end, restart in parts:
        row = replace(row, restart=Point(restart))
        part = entries[begin:end]
        new, row = messages(subject, row, part, charts[begin], -(-len(part) // some))
        made += new
    if stored.deleted_at is not None:
        over = replace(row, restart=Point(stored.restart), deleted_at=stored.deleted_at)
        made.append(mark(subject, over))
    return made


def _parts(stored: Stored, charts: Sequence[ChartIdentity]) -> Iterator[tuple[int, int, int]]:
    """Split the entries where the chart or the restart point changes; give each part's restart.

    Of earlier restart points, only the history's start is known.
    """
    places = {0, len(charts), stored.start - stored.first, stored.restart - stored.first}
    places |= {index for index in range(1, len(charts)) if charts[index] != charts[index - 1]}
    for begin, end in pairwise(sorted(each for each in places if 0 <= each <= len(charts))):
        serial = stored.first + begin
        if serial >= stored.restart:
            restart = stored.restart
        else:
            restart = stored.start if serial >= stored.start else 0
        yield begin, end, restart
