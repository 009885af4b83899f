"""Journals, which store the events.

``opening`` opens a journal by its URL; ``protocol`` says what each of them promises.
"""

from __future__ import annotations

from pingregistrywf.runtime.errors import Fault
from pingregistrywf.runtime.journal.changes import Appended, Change, Deleted, Position
from pingregistrywf.runtime.journal.history import NO_HEAD, ChartIdentity, Entry, Head, Reading
from pingregistrywf.runtime.journal.inspection import Log, Scanned, Stored, Trim, Written
from pingregistrywf.runtime.journal.opening import open_journal
from pingregistrywf.runtime.journal.protocol import (
    Feed,
    FeedJournal,
    Journal,
    Logged,
    OperatorJournal,
    ReadOnly,
    ScansAhead,
    Subscription,
    WorkflowJournal,
)
from pingregistrywf.runtime.journal.retention import Collected, Retention

__all__ = [
    "NO_HEAD",
    "Appended",
    "Change",
    "ChartIdentity",
    "Collected",
    "Deleted",
    "Entry",
    "Fault",
    "Feed",
    "FeedJournal",
    "Head",
    "Journal",
    "Log",
    "Logged",
    "OperatorJournal",
    "Position",
    "ReadOnly",
    "Reading",
    "Retention",
    "Scanned",
    "ScansAhead",
    "Stored",
    "Subscription",
    "Trim",
    "WorkflowJournal",
    "Written",
    "open_journal",
]
