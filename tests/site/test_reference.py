"""The reference shows everything that the charts, the operations and the program contain."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest
from typer.main import get_command

from pingregistrywf import Event, PingRegistryStarted
from pingregistrywf.chart.locate import load_model
from pingregistrywf.chart.schema import chart_schema, operations_schema
from pingregistrywf.cli import app
from pingregistrywf.generate.artefacts import FORMATS

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("site")]

MODEL = load_model()


class Words(HTMLParser):
    """The text of the article of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = False
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside |= tag == "article"

    def handle_endtag(self, tag: str) -> None:
        self.inside &= tag != "article"

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.words.append(data)


def text(site: Path, page: str) -> str:
    read = Words()
    read.feed((site / f"{page}.html").read_text(encoding="utf-8"))
    return " ".join("".join(read.words).split())


@pytest.mark.parametrize("name", MODEL.charts)
def test_states_events_and_commands_with_all_prose(site: Path, name: str) -> None:
    chart = MODEL.charts[name]
    states, events, commands, errors = (
        text(site, f"reference/{page}") for page in ("states", "events", "commands", "errors")
    )
    for state in chart.states.values():
        assert state.name in states
        assert f"Code {state.code}" in states
        assert state.doc in states
    for event in chart.events.values():
        assert event.name in events
        leads = f" Leads to {event.to}." if event.to else " Emitted by "
        assert f"Number {event.number}, {event.wire_name}.{leads}" in events
        assert event.doc in events
        assert all(each.doc in events for each in event.fields.values())
    for command in chart.commands.values():
        assert command.name in commands
        assert command.doc in commands
        assert all(rule.doc in commands for rule in command.rules)
        assert all(each.doc in commands for each in command.arguments.values())
    for error in chart.errors.values():
        assert error.name in errors or not error.doc
        assert error.doc in errors


def test_the_table_has_every_row(site: Path) -> None:
    table = text(site, "reference/table")
    for chart in MODEL.charts.values():
        assert all(command in table for command in chart.commands)
    assert "Init, other registry_id" in table
    assert "+ServerPinged" in table
    assert "history deleted" in table
    assert "Snapshot" in table


def test_the_example_of_an_event_is_one(site: Path) -> None:
    page = (site / "reference/events.html").read_text(encoding="utf-8")
    blocks = [
        re.sub("<[^>]*>", "", each)
        for each in re.findall(r"<code>(08 .*?)</code>", page, re.DOTALL)
    ]
    assert len(blocks) == sum(len(chart.events) for chart in MODEL.charts.values())
    # Up to two spaces is hex, after them stands what it means.
    data = bytes.fromhex("".join(line.split("  ")[0] for line in blocks[0].splitlines()))
    event = Event.unmarshal_proto(data)
    assert isinstance(event, PingRegistryStarted)
    assert event.marshal_proto() == data
    assert "registry_id" in blocks[0]


def test_every_operation_is_drawn_with_its_steps(site: Path) -> None:
    page = (site / "reference/operations.html").read_text(encoding="utf-8")
    words = text(site, "reference/operations")
    for operations in MODEL.operations.values():
        for name, operation in operations.operations.items():
            assert f'id="{name}-title"' in page
            assert operation.doc in words
            assert all(step.doc in words for step in operation.steps)
            inputs = f"Inputs: {', '.join(operation.inputs)}."
            assert inputs + " A vid may be given, too." * operation.versioned in words
            derived = [each.derived for each in operation.arguments.values() if each.derived]
            for each in derived:
                origin = f"UUID version 5 of {each.prefix} and the {each.name}, in the namespace"
                assert f"{origin} {each.namespace}" in words


def test_every_key_of_the_model_language(site: Path) -> None:
    words = text(site, "reference/model")
    for schema in (chart_schema(), operations_schema()):
        for part in (schema, *schema["$defs"].values()):
            for key, said in part.get("properties", {}).items():
                assert f" {key} " in words
                meaning = " ".join(said.get("description", "").split()).replace("`", "")
                assert meaning in words


def test_every_command_of_the_program_with_its_help(site: Path) -> None:
    words = text(site, "reference/command-line")
    group = get_command(app)
    todo = [(name, command) for name, command in group.commands.items()]  # type: ignore[attr-defined]
    while todo:
        name, command = todo.pop()
        inner = getattr(command, "commands", None)
        if inner is not None:
            todo += [(f"{name} {each}", inner[each]) for each in inner]
            continue
        assert f"pingregistrywf {name} [OPTIONS]" in words
        assert " ".join(command.help.split()) in words
        for each in command.params:
            for option in (*each.opts, *each.secondary_opts):
                assert option in words or not option.startswith("-")
            assert " ".join((each.help or "").split()) in words


def test_every_format_can_be_downloaded(site: Path) -> None:
    page = (site / "reference/diagrams.html").read_text(encoding="utf-8")
    for chart in MODEL.charts:
        for suffix in FORMATS:
            name = f"{chart}.{suffix}"
            assert f'download="{name}" href="../generated/{name}"' in page
            committed = Path(__file__).parents[2] / "docs" / "generated" / name
            assert (site / "generated" / name).read_bytes() == committed.read_bytes()


def test_the_messages_of_the_services_can_be_downloaded(site: Path) -> None:
    page = (site / "reference" / "service.html").read_text(encoding="utf-8")
    links = re.findall(r'href="(\.\./protos/[^"]*\.proto)"', page)
    offered = {each.name: each.read_bytes() for each in (site / "protos").iterdir()}
    assert {f"../protos/{name}" for name in offered} == set(links)
    package = files("pingregistrywf")
    assert offered == {
        each.name: each.read_bytes()
        for each in (
            package / "_generated/ping_registry_service/ping_registry_service.proto",
            package / "runtime/remote/workflows.proto",
        )
    }
