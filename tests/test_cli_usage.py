"""What is wrong on a command line is said in one plain line, before anything is done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pingregistrywf.generate.link import is_fragment

from .command_line import environment, run

BOTH = {"PINGREGISTRYWF_JOURNAL": "memory:", "PINGREGISTRYWF_SERVICE": "grpcs://127.0.0.1:1"}


def refused(*words: str, **variables: str) -> str:
    """The line that says why a command cannot run; it is the same with ``--json``."""
    done = run(*words, env=environment(**variables))
    assert done.returncode == 2, done
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("pingregistrywf: ")
    return line.removeprefix("pingregistrywf: ")


COMMANDS = (
    ("begin", "reg"),
    ("list", "reg", "--quiet"),
    ("watch", "reg"),
    ("server", "reg", "--name", "--service"),  # the name of a server, though an odd one
    ("adapter",),
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_journal_and_a_service_exclude_each_other(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    journal = f"sqlite:{tmp_path / 'pings.db'}"
    for words in (
        ("--journal", journal, "--service", "grpcs://127.0.0.1:1"),
        ("--service=grpcs://127.0.0.1:1", f"--journal={journal}"),
    ):
        assert "--journal and --service exclude each other" in refused(*command, *words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_their_variables_exclude_each_other(command: tuple[str, ...]) -> None:
    line = refused(*command, **BOTH)
    assert "PINGREGISTRYWF_JOURNAL and PINGREGISTRYWF_SERVICE are both set: unset one" in line


def test_an_option_wins_over_the_variables(tmp_path: Path) -> None:
    variables = environment(**BOTH)
    journal = f"sqlite:{tmp_path / 'pings.db'}"
    assert run("begin", "reg", "--journal", journal, env=variables).returncode == 0
    listed = run("list", "reg", "--quiet", "--journal", journal, env=variables)
    assert len(listed.stdout.splitlines()) == 1
    assert run("list", "--help", env=variables).returncode == 0


def test_a_value_is_no_option(tmp_path: Path) -> None:
    missing = f"sqlite:{tmp_path / 'none.db'}"
    line = refused("list", "--journal", missing, "--", "--service")
    assert "exclude" not in line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("explore", "--port", "abc"), "'--port': 'abc' is not a whole number"),
        (("explore", "--port", "1.5"), "'--port': '1.5' is not a whole number"),
        (("conform", "--timeout", "soon"), "'--timeout': 'soon' is not a number"),
        (("explore", "--port", "70000"), "70000"),
        (("get", "reg", "--workflow", "3f", "--wait", "-1"), "-1"),
    ],
)
def test_a_number_that_is_none(words: tuple[str, ...], said: str) -> None:
    line = refused(*words, PINGREGISTRYWF_JOURNAL="memory:")
    assert said in line
    for foreign in ("nput", "parse", "valid integer", "valid number", "valid float", "<=", ">="):
        assert foreign not in line.replace("invalid value", "")
    assert json.loads(run(*words, "--json").stdout)["exit"] == 2


@pytest.mark.parametrize(
    "beginning",
    ["grpcs://user:s3cret@", "grpc://s3cret@s3cret@", "grpcs://user:s3/c?s3cret@", "grpcs:s3cret@"],
)
def test_the_url_of_a_service_has_no_user(beginning: str) -> None:
    url = f"{beginning}pings.example:7550"
    for words in (
        ("list", "reg", "--service", url),
        ("begin", "reg", "--journal", url),
        ("adapter", "--service", url),
    ):
        line = refused(*words)
        assert "s3" not in line
        assert "pings.example:7550" in line
        assert "no user" in line
    assert "s3" not in refused("adapter", "--rpc", "2019", "--service", url)
    found = run("doctor", "--journal", url, "--json")
    assert "s3" not in found.stdout + found.stderr


@pytest.mark.parametrize("text", ["zzz", "#1.a.b.c", "1.a.b.<"])
def test_a_link_that_is_none(text: str) -> None:
    line = refused("explore", "--no-browser", "--link", text)
    assert f"--link: {text!r} is not what comes after # in a link: copy a link" in line


@pytest.mark.parametrize(
    "text",
    [
        "1.1lvuhq9.ho0pd1.W1swLDAsMSww",
        "2.a.b.c_-",
        "state.ping_registry.Appending",
        "state.ping_registry.Initialized.Init.other",
        "operation.ping_registry_operations.commit",
        "chart.q1bK_-A~",
        "chart.q1bK~1.a.b.c",
    ],
)
def test_the_forms_of_links(text: str) -> None:
    assert is_fragment(text)
