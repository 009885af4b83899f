"""What a journal asks of SQLite."""

from __future__ import annotations

import sqlite3
from typing import Any


class Observed(sqlite3.Connection):
    """A connection that records what it executes, and fails at COMMIT when it is told to."""

    executed: list[str] = []  # noqa: RUF012
    fail_with: int | None = None

    def execute(self, statement: str, *arguments: Any) -> sqlite3.Cursor:  # type: ignore[override]
        self.executed.append(statement)
        if statement == "COMMIT" and Observed.fail_with is not None:
            error = sqlite3.OperationalError("told to fail")
            error.sqlite_errorcode = Observed.fail_with
            raise error
        return super().execute(statement, *arguments)

    def executemany(self, statement: str, *arguments: Any) -> sqlite3.Cursor:  # type: ignore[override]
        self.executed.append(statement)
        return super().executemany(statement, *arguments)
