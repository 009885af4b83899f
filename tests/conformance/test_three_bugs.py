"""The newcomer's tutorial: each line runs, prints what the page shows, and names the bug."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ..tiers import EXHAUSTIVE
from ..transcripts import Player, timeless

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "three-bugs.md"
LAST = "## The second bug"
"""Where the quick test leaves off."""


@pytest.mark.slow
def test_the_page_shows_what_its_lines_print(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    if not EXHAUSTIVE:
        page, found, _ = page.partition(LAST)
        assert found
    played = timeless(Player(tmp_path).play(page))
    assert played == timeless(page), f"python -m tests.transcripts {PAGE} writes the page anew"


def test_each_bug_is_found_by_its_rule() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert re.findall(r"^  the rule ([\w.]+): ", page, re.MULTILINE) == [
        "Init.2",
        "Commit.2",
        "find",
    ]
    verdicts = re.findall(r"^(conforms|deviates|incomplete): (?!ended)", page, re.MULTILINE)
    assert verdicts == ["conforms", "deviates", "incomplete", "deviates", "deviates", "conforms"]


def test_a_page_that_is_stale_is_seen(tmp_path: Path) -> None:
    (tmp_path / "adapter.py").write_text("one\ntwo\n", encoding="utf-8")
    lines = "$ mkdir new\n$ cd new\n$ cat ../adapter.py\n"
    page = f"```diff\n-two\n+three\n```\n```console\n{lines}{{}}```\n"
    assert Player(tmp_path).play(page.format("one\ntwo\n")) == page.format("one\nthree\n")


def test_a_change_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "adapter.py").write_text("one\n", encoding="utf-8")
    with pytest.raises(ValueError, match="has these lines 0 times:\ntwo"):
        Player(tmp_path).play("```diff\n-two\n+three\n```\n")
