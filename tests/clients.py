"""Clients of one journal that race each other, and of which every answer is recorded."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from uuid import UUID, uuid5

from pingregistrywf.runtime.errors import DBError, HistoryDeletedError, VersionConflictError
from pingregistrywf.runtime.journal import NO_HEAD, ChartIdentity, Entry, Head, Journal
from pingregistrywf.testing.journal import CHART, chain
from pingregistrywf.testing.linearizability import Recorder
from pingregistrywf.testing.wrapped import WrappedJournal

HISTORIES = 3
"""So many are used at one time, by all clients."""
CALLS_OF_A_HISTORY = 60
"""So many are made on a history; then another one takes its place."""
_NAMESPACE = UUID("b0b6f2a5-7bb1-4c3f-9d7e-5a2f6f6f1c11")


class Client:
    """One client, which reads, commits and deletes at random, also at heads that it read long ago.

    Args:
        journal: the journal, recorded.
        seed: of what it does.
    """

    def __init__(self, journal: Journal, seed: object) -> None:
        self._journal = journal
        self._random = random.Random(str(seed))
        self._heads: dict[UUID, Head] = {}

    def act(self, history: UUID) -> None:
        """Make one call; a refusal or a failure is an answer like any other."""
        try:
            self._act(history, self._heads.get(history, NO_HEAD), self._random.random())
        except (DBError, HistoryDeletedError):
            self._heads.pop(history, None)

    def _act(self, history: UUID, head: Head, draw: float) -> None:
        try:
            if draw < 0.4:
                after = head if head.vid and draw < 0.2 else None
                self._heads[history] = self._journal.read(history, after).head
            elif draw < 0.97:
                entries = chain(head.vid, self._random.choice((1, 1, 1, 2, 3)))
                self._heads[history] = self._journal.commit(history, head, entries, chart=CHART)
            else:
                self._journal.delete(history, head)
        except VersionConflictError:
            if draw < 0.8:  # or else try once more what is refused
                self._heads.pop(history, None)
                self._heads[history] = self._journal.read(history).head


class Careless(WrappedJournal):
    """Commits after whatever the head is: the compare-and-set is left out."""

    def commit(
        self,
        history: UUID,
        after: Head,
        entries: Sequence[Entry],
        *,
        chart: ChartIdentity,
        restart: bool = False,
    ) -> Head:
        with self.wrapped.exclusive(history):
            head = self.wrapped.read(history).head
            made = [entries[0]._replace(parent=head.vid), *entries[1:]]
            return self.wrapped.commit(history, head, made, chart=chart, restart=restart)


def run_clients(
    journals: Sequence[Journal],
    recorder: Recorder,
    seed: object,
    goes_on: Callable[[int], bool] = lambda calls: calls < 300,
) -> None:
    """Let a client for each of these journals act at once, and record what they are told.

    Args:
        journals: the same journal as often as there are clients, each of them opened by itself or
            not.
        recorder: records the calls.
        seed: of what the clients do, and of the histories' ids.
        goes_on: asked, with the number of calls begun by then, whether another is to be made.
    """
    calls = count()

    def run(number: int) -> None:
        client = Client(recorder.recorded(journals[number], f"client {number}"), (seed, number))
        while goes_on(call := next(calls)):
            generation = call // (HISTORIES * CALLS_OF_A_HISTORY)
            client.act(uuid5(_NAMESPACE, f"{seed} {generation} {call % HISTORIES}"))

    with ThreadPoolExecutor(len(journals)) as clients:
        list(clients.map(run, range(len(journals))))
