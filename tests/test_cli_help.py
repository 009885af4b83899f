"""Help, examples, usage errors and completion: what the program says of itself."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from typer.core import TyperCommand
from typer.main import get_command

from pingregistrywf import open_journal
from pingregistrywf.cli import app, completion
from pingregistrywf.cli.examples import EXAMPLES
from pingregistrywf.conformance.starters import LANGUAGES
from pingregistrywf.coordination.registry import PingRegistry

from .command_line import environment, run

WORKFLOW = UUID("3f0c9a52-6a5b-4c1e-9a57-2f1d8c7b6e01")
JOURNAL = {"PINGREGISTRYWF_JOURNAL": "memory:"}


def commands(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every command by the words that name it."""
    yield path, group
    for name, each in getattr(group, "commands", {}).items():
        yield from commands(each, f"{path} {name}".strip())


ALL = dict(commands(get_command(app)))


@pytest.mark.parametrize("path", ALL)
def test_every_option_names_its_value_and_no_type_is_shown(path: str) -> None:
    done = run(*path.split(), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "<" not in done.stdout
    for each in ALL[path].params:
        assert each.hidden or each.metavar or getattr(each, "is_flag", False), each.name
    assert max(map(len, done.stdout.splitlines())) <= 120


def test_every_command_has_two_examples() -> None:
    assert set(ALL) - set(EXAMPLES) == set(), "cli/examples.py lacks these"
    assert set(EXAMPLES) - set(ALL) == set(), "cli/examples.py has examples of no command"
    assert {len(each) for each in EXAMPLES.values()} == {2}


@pytest.mark.parametrize("path", ["begin", "serve", "token issue", "journal import"])
def test_examples_that_are_too_long_for_a_screen_are_continued(path: str) -> None:
    """A shell takes each line as it is shown, and no line ends inside a word."""
    done = run(*path.split(), "--help", env=environment(COLUMNS="60"))
    _, _, shown = done.stdout.partition("\nExamples\n")
    assert max(map(len, shown.splitlines())) <= 60
    commands = [line.strip() for line in re.sub(r" +\\\n +", " ", shown).splitlines()]
    assert [each for each in commands if each and not each.startswith("#")] == [
        line for _, line in EXAMPLES[path]
    ]
    assert " \\\n" in shown


def test_whole_numbers_have_no_fraction() -> None:
    shown = " ".join(run("gather", "--help").stdout.split())
    assert "deadline. [default: 10; 0 or more]" in shown
    assert "[default: 127.0.0.1:7550]" in run("serve", "--help").stdout


@pytest.mark.parametrize("path", EXAMPLES)
def test_the_examples_are_commands_that_the_program_takes(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = run(*path.split(), "--help").stdout.replace(" \\\n   ", "")
    ran: list[str] = []
    plain = TyperCommand.__mro__[1]
    monkeypatch.setattr(plain, "invoke", lambda self, context: ran.append(context.command_path))
    for what, line in EXAMPLES[path]:
        assert f"  # {what}\n  {line}\n" in shown
        for part in line.split(" | "):
            program, *words = shlex.split(part)
            if program == "pingregistrywf":
                done = run(*words, env=environment(**JOURNAL))
                assert (done.returncode, done.stderr) == (0, ""), part
    assert f"pingregistrywf {path}".strip() in ran or ran, ran


class TestUsageErrors:
    @pytest.mark.parametrize(
        ("words", "error"),
        [
            (("list", "--journal", "memory:"), "missing argument 'REGISTRY'"),
            (("lits",), "did you mean 'list'?"),
            (("list", "reg", "--jornal", "x"), "--journal"),
            (("list", "reg", "--sort", "size", "--journal", "memory:"), "'size'"),
            (("demo", "--servers", "none"), "--servers"),
            (("journal", "verfy"), "'verify'"),
            (("server", "reg", "--name", "a", "--json", "--journal", "memory:"), "--json"),
        ],
    )
    def test_one_line_and_with_json_a_field(self, words: tuple[str, ...], error: str) -> None:
        done = run(*words)
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert line.startswith("pingregistrywf: ")
        assert error.casefold() in line.casefold()
        assert "--help`" in line
        done = run(*words, "--json")
        assert done.returncode == 2
        (fields,) = map(json.loads, done.stdout.splitlines())
        assert fields["exit"] == 2
        assert error.casefold() in fields["error"].casefold()
        assert len(done.stderr.splitlines()) == 1

    @pytest.mark.parametrize(
        ("words", "error"),
        [
            (
                ("list", "reg"),
                "_JOURNAL or PINGREGISTRYWF_SERVICE); see `pingregistrywf list --help`",
            ),
            (
                ("journal", "info"),
                "(or set PINGREGISTRYWF_JOURNAL); see `pingregistrywf journal info --help`",
            ),
            (
                ("conform", "matrix", "a.toml", "--html"),
                "see `pingregistrywf conform matrix --help`",
            ),
        ],
    )
    def test_names_what_else_gives_the_value_and_where_the_help_is(
        self, words: tuple[str, ...], error: str
    ) -> None:
        assert run(*words).stderr.endswith(f"{error}\n")

    def test_a_file_for_json_is_named_otherwise(self) -> None:
        done = run("conform", "--json", "report.json", "--adapter", "x")
        assert done.returncode == 2
        assert "--json takes no file: name one with --json-report" in done.stderr

    def test_no_words_print_the_help(self) -> None:
        done = run()
        assert done.returncode == 2
        assert done.stdout.startswith("Usage: pingregistrywf")
        assert done.stderr == ""


class TestCompletion:
    @pytest.fixture
    def url(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
        """A journal with a workflow in registry reg; reg and other were typed before."""
        url = f"sqlite:{tmp_path / 'pings.db'}"
        with open_journal(url) as journal:
            PingRegistry(journal, "reg").begin(WORKFLOW)
        monkeypatch.setenv(completion.STATE_VARIABLE, str(tmp_path))
        kept = tmp_path / "pingregistrywf" / "registries"
        kept.parent.mkdir()
        kept.write_text("other\nreg\n")
        return url

    def offered(self, *words: str, **variables: str) -> list[str]:
        """What bash is offered for the last word."""
        asked = {
            "COMP_WORDS": "\n".join(["pingregistrywf", *words]),
            "COMP_CWORD": f"{len(words)}",
        }
        variables |= {"_PINGREGISTRYWF_COMPLETE": "complete_bash", **asked}
        return run(env=environment(**variables)).stdout.split()

    def test_registries_that_the_journal_has(self, url: str) -> None:
        assert self.offered("list", "") == ["other", "reg"]
        assert self.offered("list", "r") == ["reg"]
        assert self.offered("list", "--journal", url, "") == ["reg"]
        assert self.offered("watch", "", PINGREGISTRYWF_JOURNAL=url) == ["reg"]

    def test_workflows(self, url: str) -> None:
        words = ("get", "reg", "--workflow", "3f")
        assert self.offered(*words, PINGREGISTRYWF_JOURNAL=url) == [str(WORKFLOW)]
        assert self.offered(*words[:-1], "4", PINGREGISTRYWF_JOURNAL=url) == []
        assert self.offered(*words, PINGREGISTRYWF_JOURNAL="sqlite:/none") == []

    def test_registries_to_serve(self, url: str) -> None:
        assert self.offered("serve", "--journal", url, "--registry", "") == ["reg"]

    def test_histories(self, url: str) -> None:
        words = ("journal", "export", "--journal", url, "--history")
        assert str(WORKFLOW) in self.offered(*words, "")
        assert self.offered(*words, str(WORKFLOW)[:9]) == [str(WORKFLOW)]
        assert self.offered("journal", "export", "--history", "") == []

    def test_states_and_orders(self) -> None:
        assert self.offered("list", "reg", "--state", "S") == ["Summarized"]

    def test_commands_of_the_chart(self, tmp_path: Path) -> None:
        assert self.offered("chart", "--step", "Co") == ["Commit"]
        assert self.offered("chart", "--step", "Init", "--step", "App") == ["AppendPing"]
        assert self.offered("chart", "--step", "Init", "App") == ["AppendPing"]
        assert self.offered("chart", "--step", "Init", "AppendPing", "Po") == ["PostSummary"]
        assert self.offered("chart", "--step", "Init", "--js") == ["--json"]
        assert self.offered("chart", "--model", str(tmp_path / "none"), "--step", "A") == []

    def test_languages(self) -> None:
        assert self.offered("conform", "init", "--language", "") == list(LANGUAGES)


@pytest.mark.parametrize("is_terminal", [False, True])
def test_names_typed_at_a_terminal_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_terminal: bool
) -> None:
    monkeypatch.setenv(completion.STATE_VARIABLE, str(tmp_path))
    for stream in ("stdin", "stdout"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: is_terminal, raising=False)
    for name in ("first", "second", "first"):
        completion.remember(name)
    kept = tmp_path / "pingregistrywf" / "registries"
    assert kept.exists() is is_terminal
    if is_terminal:
        assert kept.read_text() == "first\nsecond\n"
