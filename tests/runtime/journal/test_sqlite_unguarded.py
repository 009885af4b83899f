"""Every guard of a journal's file is needed: without it, a test of ``test_sqlite_guard`` fails."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from . import test_sqlite_guard as tests
from .conftest import RefusedError
from .unguarded import GUARDS, take_out

if TYPE_CHECKING:
    from .conftest import User

NOTICED: Final[list[tuple[str, Callable[..., None]]]] = [
    ("looks before a commit", tests.test_a_file_that_was_moved_takes_no_more_commits),
    (
        "look after a commit",
        tests.test_a_move_after_the_last_look_of_a_turn_is_not_acknowledged,
    ),
    ("looks of reads", tests.test_a_read_notices_that_the_file_was_moved),
    ("lock of the last close", tests.test_locks_that_vanished_lose_nothing),
    ("order of closing", tests.test_locks_that_vanished_lose_nothing),
    ("log and index at opening", tests.test_a_log_that_was_removed_is_saved),
    (
        "checks of the path",
        partial(tests.test_a_log_without_its_file_is_refused_and_kept, emptied=False),
    ),
    ("checks of the path", lambda path, _: tests.test_a_file_of_two_names_is_refused(path)),
    ("healing", tests.test_a_log_and_index_that_were_removed_heal),
    ("copy of the old log", tests.test_a_log_and_index_that_were_removed_heal),
    (
        "search for removed files",
        tests.test_a_connection_of_the_user_that_holds_the_old_index_is_refused,
    ),
]
"""A guard, and the test that notices that it is gone."""


def test_each_guard_is_taken_out() -> None:
    assert {guard for guard, _ in NOTICED} == set(GUARDS)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("guard", "test"), NOTICED, ids=[guard for guard, _ in NOTICED])
def test_a_guard_that_is_taken_out_is_noticed(
    guard: str,
    test: Callable[..., None],
    tmp_path: Path,
    new_user: Callable[[], User],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def new_unguarded_user() -> User:
        user: Any = new_user()
        user("take_out", guard)
        return user

    take_out(guard, monkeypatch.setattr)
    with pytest.raises((AssertionError, RefusedError, pytest.fail.Exception)):
        test(tmp_path / "j.db", new_unguarded_user)
