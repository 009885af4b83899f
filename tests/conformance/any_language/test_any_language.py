"""A language without a starter: an adapter in Perl that interprets ``chart.json``, and its page."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pingregistrywf.chart.ir import Model, to_json
from pingregistrywf.chart.locate import load_model
from pingregistrywf.chart.lower import read_model
from pingregistrywf.conformance.starters import write

from ...command_line import run
from ...tiers import EXHAUSTIVE
from ...tools import require_tool

ADAPTER = Path(__file__).with_name("adapter.pl")
PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "conformance-any-language.md"
THEIRS = Path(__file__).parents[2] / "other_workflow" / "split_repo.yaml"
BOUND = "n+1" if EXHAUSTIVE else "n"
NO_VERSION = "$vid ne $head"


def chart_file(directory: Path, model: Model | None = None) -> Path:
    """The main chart of a model, as ``chart.json``."""
    path = directory / "chart.json"
    path.write_text(to_json((model or load_model()).main), encoding="utf-8")
    return path


def conform(adapter: Path, chart: Path, *more: str) -> subprocess.CompletedProcess[str]:
    line = shlex.join([require_tool("perl"), str(adapter), str(chart)])
    return run("conform", "--adapter", line, "--level", "1-3", *more)


def asked(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The levels of which the run says that everything passed."""
    return re.findall(r"^level (\d)  \w+ +[\d,]+ passed$", done.stdout, re.MULTILINE)


@pytest.mark.slow
def test_it_conforms(tmp_path: Path) -> None:
    done = conform(ADAPTER, chart_file(tmp_path), "--bound", BOUND)
    assert (done.returncode, asked(done)) == (0, ["1", "2", "3"]), done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.exhaustive
def test_it_interprets_the_chart_of_another_team(tmp_path: Path) -> None:
    done = conform(
        ADAPTER, chart_file(tmp_path, read_model([THEIRS])), "--bound", "n", "--model", str(THEIRS)
    )
    assert (done.returncode, asked(done)) == (0, ["1", "2", "3"]), done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.exhaustive
def test_a_mistake_in_it_is_found(tmp_path: Path) -> None:
    wrong = tmp_path / "adapter.pl"
    source = ADAPTER.read_text(encoding="utf-8")
    assert source.count(NO_VERSION) == 1
    wrong.write_text(source.replace(NO_VERSION, "0"), encoding="utf-8")
    done = conform(wrong, chart_file(tmp_path), "--bound", "n")
    assert (done.returncode, asked(done)) == (1, ["1", "3"])
    assert "the rule version:" in done.stdout


def test_it_is_short_and_names_nothing_of_the_chart() -> None:
    source = ADAPTER.read_text(encoding="utf-8")
    assert len(source.splitlines()) < 200
    modules = re.findall(r"^use ([A-Z][\w:]*)", source, re.MULTILINE)
    assert modules == ["B", "JSON::PP", "Time::HiRes"]
    chart = load_model().main
    # The initial state has the name of the protocol's error for a history without events.
    named = {*chart.commands, *chart.events, *chart.states, *chart.carried} - {chart.initial}
    assert [name for name in named if re.search(rf"\b{name}\b", source)] == []


def exchange() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The requests on the page, each with the answer that stands there."""
    (shown,) = re.findall(
        r"<!-- an exchange -->\n```text\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL
    )
    lines = [json.loads(line) for line in re.split(r"^[→←] ", shown, flags=re.MULTILINE)[1:]]
    return list(zip(lines[::2], lines[1::2], strict=True))


def test_the_exchange_on_the_page_is_one(tmp_path: Path) -> None:
    """But for ids that an implementation makes, and what it says of itself."""
    pairs = exchange()
    talk = "".join(json.dumps(request) + "\n" for request, _ in pairs)
    line = [require_tool("perl"), str(ADAPTER), str(chart_file(tmp_path))]
    done = subprocess.run(
        line, input=talk, capture_output=True, text=True, check=True, encoding="utf-8"
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    told = [answer for _, answer in pairs]
    made = {answers[1]["ok"]["vid"]: told[1]["ok"]["vid"]}
    assert [shape(answer, made) for answer in answers] == [shape(answer, {}) for answer in told]


def shape(answer: Any, made: dict[str, str]) -> Any:
    if "hello" in answer:
        return {"id": answer["id"], "hello": sorted(answer["hello"])}
    answer.get("error", {}).pop("message", None)
    text = json.dumps(answer, sort_keys=True)
    for theirs, ours in made.items():
        text = text.replace(theirs, ours)
    return json.loads(text)


def test_init_leads_to_the_page(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no starter for 'perl'") as raised:
        write("perl", tmp_path / "adapter", sha256="")
    (named,) = re.findall(r"docs/\S+\.md", str(raised.value))
    assert (PAGE.parents[2] / named).samefile(PAGE)
