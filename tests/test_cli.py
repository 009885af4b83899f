"""The command line as a user meets it: output, exit codes, and what outlives a process."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import uuid
from contextlib import chdir, closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pingregistrywf import CmdInit, Workflows, open_journal
from pingregistrywf.cli import app
from pingregistrywf.coordination.registry import PingRegistry
from pingregistrywf.coordination.registry_ids import RegistryIds

from .command_line import run
from .tiers import some

ROOT = Path(__file__).parents[1]
WORKFLOW = uuid.UUID("10000000-0000-4000-8000-000000000001")
COMMANDS = (
    *("demo", "begin", "get", "commit", "list", "events", "watch"),
    *("server", "gather", "collect"),
    *("chart", "explore", "generate", "verify", "prove", "adapter", "journal", "doctor"),
)


def refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """One clear line on standard error, that exit code, and no traceback."""
    assert done.returncode == code, done
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0]


class TestHelp:
    def test_lists_every_command(self) -> None:
        done = run("--help")
        assert done.returncode == 0
        assert all(command in done.stdout for command in COMMANDS)

    @pytest.mark.parametrize("command", COMMANDS)
    def test_of_each_command(self, command: str) -> None:
        done = run(command, "--help")
        assert done.returncode == 0
        assert "Usage" in done.stdout

    def test_version(self) -> None:
        assert re.fullmatch(r"pingregistrywf \d+\.\d+\.\d+\n", run("--version").stdout)

    def test_a_wrong_command_cannot_run(self) -> None:
        assert run("nonsense").returncode == 2


class TestChart:
    def test_prints_the_table(self) -> None:
        done = run("chart")
        assert done.returncode == 0
        assert "| AppendPing | StateConflict | **+ServerPinged** |" in done.stdout
        assert "stateDiagram-v2" not in done.stdout

    @pytest.mark.parametrize(
        ("format", "begins"),
        [
            ("table", "Ping registry "),
            ("mermaid", "---\ntitle: "),
            ("dot", "digraph "),
            ("plantuml", "@startuml"),
            ("scxml", "<?xml "),
            ("xstate", '{\n  "id": "ping_registry"'),
            ("json", '{"format": '),
            ("tla", "---"),
            pytest.param("svg", "<svg ", marks=pytest.mark.slow),
        ],
    )
    def test_prints_a_format(self, format: str, begins: str) -> None:
        done = run("chart", "--format", format)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(begins), done.stdout[:200]
        assert "PingRegistryStarted" in done.stdout or "Init" in done.stdout
        stored = ROOT / "docs" / "generated"
        suffix = {"mermaid": "mmd", "plantuml": "puml", "xstate": "xstate.json"}.get(format, format)
        if format not in ("table", "json", "tla"):  # of which there are no such files
            file = stored / f"ping_registry.{suffix}"
            assert done.stdout == file.read_text(encoding="utf-8")

    def test_the_module_of_the_chart_is_that_of_the_formal_model(self) -> None:
        file = ROOT / "model" / "generated" / "PingRegistry.tla"
        assert run("chart", "--format", "tla").stdout == file.read_text(encoding="utf-8")

    def test_formats_exclude_what_prints_something_else(self) -> None:
        refused(run("chart", "--format", "dot", "--step", "Init"), 2, "--format", "--step")
        assert run("chart", "--format", "dot", "--json").returncode == 2
        refused(run("chart", "--format", "dott"), 2, "'dott'", "plantuml")

    def test_json_is_the_chart_document(self) -> None:
        document = json.loads(run("chart", "--json").stdout)
        assert document["name"] == "ping_registry"
        assert re.fullmatch("[0-9a-f]{64}", document["sha256"])
        stored = ROOT / "src/pingregistrywf/_generated/ping_registry/chart.json"
        assert document == json.loads(stored.read_text(encoding="utf-8"))
        assert document["layout"]["states"]
        model = ROOT / "tests" / "other_workflow" / "leases.yaml"
        of_others = json.loads(run("chart", "--format", "json", "--model", str(model)).stdout)
        assert of_others["layout"] is None

    def test_walks(self) -> None:
        done = run("chart", "--step", "Init", "AppendPing", "PostSummary", "Commit", "End")
        assert done.returncode == 0
        assert "Terminated" in done.stdout.splitlines()[-1]

    def test_the_walk_keeps_the_order_of_words_and_options(self) -> None:
        walk = ("--step", "Init", "AppendPing", "--json", "--step", "PostSummary")
        commands = [json.loads(line)["command"] for line in run("chart", *walk).stdout.splitlines()]
        assert commands == ["Init", "AppendPing", "PostSummary"]

    def test_a_rejected_step_answers_no_and_stays(self) -> None:
        done = run("chart", "--json", "--step", "Init", "Init:other", "Commit")
        assert done.returncode == 1
        steps = [json.loads(line) for line in done.stdout.splitlines()]
        assert [step["error"] for step in steps] == [
            None,
            "ArgumentNotIdempotentError",
            "StateConflictError",
        ]
        assert steps[-1]["target"] == "Initialized"

    def test_an_unknown_command_names_those_there_are(self) -> None:
        refused(run("chart", "--step", "Dance"), 2, "'Dance'", "AppendPing")

    def test_a_wrong_chart_is_refused_with_its_line(self, tmp_path: Path) -> None:
        wrong = tmp_path / "wrong.yaml"
        wrong.write_text("chart: wrong\nversion: 1.0.0\ntitel: Wrong\n")
        done = run("chart", "--model", str(wrong))
        assert done.returncode == 2
        assert f"{wrong}:3:" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.fixture(scope="class")
def piped(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Names a journal with a workflow."""
    url = f"sqlite:{tmp_path_factory.mktemp('piped') / 'journal.db'}"
    with open_journal(url) as journal:
        PingRegistry(journal, "reg").begin(WORKFLOW)
    return {**os.environ, "PINGREGISTRYWF_JOURNAL": url}


@pytest.mark.slow
class TestClosedPipe:
    """Whoever reads the output has gone: the exit code is that of a program ended by SIGPIPE."""

    @pytest.mark.parametrize(
        "words",
        some(
            [
                "--help",
                "conform --help",
                "chart",
                "chart --json",
                "chart --step Commit",
                "list reg",
                "list reg --json",
                f"events reg --workflow {WORKFLOW} --watch",
                f"get reg --workflow {WORKFLOW} --json",
                f"commit reg --workflow {WORKFLOW} --json",
                "journal info",
                "journal verify --json",
                "journal export -",
                "conform --adapter false --level 1",
            ],
            every=4,
        ),
    )
    def test_every_command_ends_with_141(self, words: str, piped: dict[str, str]) -> None:
        read, write = os.pipe()
        os.close(read)
        with os.fdopen(write, "wb") as output:
            done = subprocess.run(
                [sys.executable, "-m", "pingregistrywf", *words.split()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.PIPE,
                text=True,
                env=piped,
                timeout=120,
            )
        assert done.returncode == 128 + signal.SIGPIPE, done.stderr
        assert "Traceback" not in done.stderr
        assert "Exception" not in done.stderr

    def test_a_full_disk_is_another_matter(self) -> None:
        with Path("/dev/full").open("w", encoding="utf-8") as output:
            done = subprocess.run(
                [sys.executable, "-m", "pingregistrywf", "chart"],
                stdout=output,
                stderr=subprocess.PIPE,
                text=True,
                timeout=120,
            )
        assert done.returncode == 2
        assert "no space left" in done.stderr
        assert "Traceback" not in done.stderr


class TestGenerate:
    @pytest.fixture
    def model(self, tmp_path: Path) -> Path:
        chart = tmp_path / "lamp.yaml"
        chart.write_text(
            """
chart: lamp
version: 1.0.0
title: Lamp
states: {Dark: {code: 0, initial: true}, Lit: {code: 1}}
events: {Switched: {wire: {name: EV_SWITCHED, number: 1}, to: Lit}}
commands: {Switch: {rules: [{in: [Dark], emit: Switched}, {in: [Lit], noop: It shines.}]}}
"""
        )
        return chart

    def test_writes_then_finds_nothing_to_change(self, model: Path, tmp_path: Path) -> None:
        words = ("generate", "--model", str(model), "--package", str(tmp_path / "out"))
        assert run(*words).returncode == 0
        assert (tmp_path / "out" / "lamp" / "chart.json").exists()
        assert (tmp_path / "out" / "lamp" / "lamp.svg").exists()
        assert run(*words, "--check").returncode == 0

    def test_check_names_what_differs(self, model: Path, tmp_path: Path) -> None:
        words = ("generate", "--model", str(model), "--package", str(tmp_path / "out"))
        run(*words)
        package = tmp_path / "out" / "lamp"
        (package / "states.py").write_text("changed\n")
        (package / "chart.json").unlink()
        (package / "stray.py").write_text("")
        done = run(*words, "--check")
        assert done.returncode == 1
        assert f"{package / 'states.py'} differs" in done.stderr
        assert f"{package / 'chart.json'} is missing" in done.stderr
        assert f"{package / 'stray.py'} is generated by no chart" in done.stderr
        assert (package / "states.py").read_text() == "changed\n"

    def test_model_and_package_go_together(self, model: Path) -> None:
        refused(run("generate", "--model", str(model)), 2, "--package")

    @pytest.mark.parametrize("name", ["class", "x y", "a-b", "1st", "a.b", "ﬁx", "None"])
    def test_a_name_that_cannot_be_imported_is_refused_before_anything_is_written(
        self, model: Path, tmp_path: Path, name: str
    ) -> None:
        package = tmp_path / "new" / name
        done = CliRunner().invoke(
            app, ["generate", "--model", str(model), "--package", str(package)]
        )
        assert done.exit_code == 2
        assert f"{name!r} cannot be imported" in done.stderr
        assert not package.parent.exists()

    def test_the_directory_we_are_in_has_a_name_too(self, model: Path, tmp_path: Path) -> None:
        here = tmp_path / "not-a-name"
        here.mkdir()
        words = ("generate", "--model", str(model), "--package", ".")
        with chdir(here):
            refused(run(*words), 2, "'not-a-name' cannot be imported")

    def test_nowhere_to_write(self, model: Path, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        done = run("generate", "--model", str(model), "--package", str(tmp_path / "file" / "x"))
        refused(done, 2, "not a directory; check the path")

    def test_outside_of_a_checkout_it_says_so(self, tmp_path: Path) -> None:
        probe = "from pingregistrywf.cli.charts import project_root; project_root()"
        done = subprocess.run(
            [sys.executable, "-c", probe], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            pytest.skip("the package runs from a checkout, where it finds that")
        with chdir(tmp_path):
            refused(run("generate", "--check"), 2, "no checkout")


ENOUGH = "4"
"""Seconds in which all participants have pinged, also on a busy machine."""


@pytest.mark.xdist_group("timing")
@pytest.mark.slow
class TestDemo:
    def test_runs_a_workflow_to_its_end_and_reads_it_again(self, tmp_path: Path) -> None:
        journal = f"sqlite:{tmp_path / 'demo.db'}"
        done = run(
            *("demo", "--servers", "2", "--failing", "1", "--pings", "2", "--interval", "0.05"),
            *("--duration", ENOUGH, "--journal", journal),
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        assert "state     Terminated" in done.stdout
        assert "1 { totalCount: 6, errorCount: 2 }" in done.stdout
        assert f"journal   {journal}" in done.stdout
        # The command that it names reads the same events again.
        (again,) = re.findall(r"read it   .*pingregistrywf (events .*)", done.stdout)
        read = run(*again.split())
        assert read.returncode == 0
        assert read.stdout and read.stdout in done.stdout  # noqa: PT018
        index = run("events", "demo", "--journal", journal)
        assert [line.split()[1] for line in index.stdout.splitlines()] == [
            "PingRegistryStarted",
            "PingRegistryCompleted",
        ]

    @pytest.mark.exhaustive
    def test_on_a_service(self, tmp_path: Path) -> None:
        journal = f"sqlite:{tmp_path / 'demo.db'}"
        done = run(
            *("demo", "--service", "--servers", "1", "--failing", "0", "--pings", "1"),
            *("--duration", ENOUGH, "--journal", journal),
        )
        assert done.returncode == 0, done.stderr
        assert "0 { totalCount: 2, errorCount: 0 }" in done.stdout
        assert "state     Terminated" in done.stdout
        assert f"journal   {journal}" in done.stdout

    @pytest.mark.exhaustive
    def test_a_service_whose_log_is_long(self) -> None:
        # Each call is a record of some 250 bytes; a pipe that nobody reads takes 64 KiB.
        done = run(
            *("demo", "--service", "--servers", "2", "--pings", "200", "--interval", "0"),
            *("--duration", "3"),
        )
        assert done.returncode == 0, done.stderr
        assert "state     Terminated" in done.stdout

    def test_a_service_that_cannot_start(self, tmp_path: Path) -> None:
        done = run("demo", "--service", "--journal", f"sqlite:{tmp_path / 'missing' / 'demo.db'}")
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert "the service ended before it listened: cannot open journal" in line
        assert "there is no directory" in line

    def test_json(self, tmp_path: Path) -> None:
        done = run(
            *("demo", "--json", "--servers", "1", "--failing", "0", "--pings", "1"),
            *("--duration", ENOUGH, "--journal", f"sqlite:{tmp_path / 'demo.db'}"),
        )
        *events, last = [json.loads(line) for line in done.stdout.splitlines()]
        assert [event["state"] for event in events] == [
            "Initialized",
            "Appending",
            "Appending",
            "Summarized",
            "Completed",
            "Terminated",
        ]
        assert {event["who"] for event in events} == {"admin", "server-1", "gatherer"}
        assert last["state"] == "Terminated"
        assert last["summary"] == {"code": 0, "message": "{ totalCount: 2, errorCount: 0 }"}

    def test_a_killed_server_changes_nothing_in_the_outcome(self, tmp_path: Path) -> None:
        done = run(
            *("demo", "--json", "--chaos", "--servers", "2", "--failing", "1", "--pings", "2"),
            # A busy machine takes seconds to start the server again, which then has to ping.
            *("--interval", "0.1", "--duration", "8"),
            *("--journal", f"sqlite:{tmp_path / 'demo.db'}"),
        )
        assert done.returncode == 0, done.stderr
        *lines, last = [json.loads(line) for line in done.stdout.splitlines()]
        incidents = [(line["who"], line["incident"]) for line in lines if "incident" in line]
        assert incidents == [
            ("server-1", "killed with SIGKILL"),
            ("server-1", "started again"),
        ]
        assert last["state"] == "Terminated"
        assert last["summary"] == {"code": 1, "message": "{ totalCount: 6, errorCount: 2 }"}

    @pytest.mark.parametrize(
        "ended_by", some([signal.SIGTERM, signal.SIGINT, signal.SIGKILL], every=3)
    )
    def test_leaves_no_process_behind(self, tmp_path: Path, ended_by: signal.Signals) -> None:
        demo = subprocess.Popen(
            [
                *(sys.executable, "-m", "pingregistrywf", "demo", "--duration", "60", "--json"),
                *("--journal", f"sqlite:{tmp_path / 'demo.db'}"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert demo.stdout is not None
        demo.stdout.readline()  # it has begun, so every participant is there
        participants = children(demo.pid)
        assert len(participants) == 4
        demo.send_signal(ended_by)
        # The pipe ends when the last process that holds it does: demonstration and participants.
        demo.communicate(timeout=60)
        expected = -ended_by if ended_by is signal.SIGKILL else 128 + ended_by
        assert demo.returncode == expected
        assert not any(alive(pid) for pid in participants)

    def test_memory_cannot_be_shared(self) -> None:
        refused(run("demo", "--journal", "memory:"), 2, "sqlite:PATH")

    def test_more_failing_servers_than_servers(self) -> None:
        refused(run("demo", "--servers", "1", "--failing", "2"), 2, "--failing")


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in listed if "spawn_main" in command_of(int(child))]


def command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


def alive(pid: int) -> bool:
    try:
        return "spawn_main" in command_of(pid)
    except (FileNotFoundError, ProcessLookupError):
        return False


class TestEvents:
    @pytest.fixture
    def journal(self, tmp_path: Path) -> str:
        return f"sqlite:{tmp_path / 'pings.db'}"

    @pytest.fixture
    def workflow(self, journal: str) -> uuid.UUID:
        workflow_id = uuid.uuid4()
        with open_journal(journal) as opened:
            workflows = Workflows(opened)
            vid = workflows.init(workflow_id, CmdInit(registry_id=RegistryIds("any").id))
            workflows.append_ping(workflow_id, vid, 1, "bell\a \x1b[31mred\nline")
        return workflow_id

    def test_a_message_gives_the_terminal_no_orders(
        self, journal: str, workflow: uuid.UUID
    ) -> None:
        done = run("events", "any", "--workflow", str(workflow), "--journal", journal)
        assert done.returncode == 0
        assert len(done.stdout.splitlines()) == 2
        assert "\x1b" not in done.stdout
        assert "\\x1b[31mred\\nline" in done.stdout

    def test_json(self, journal: str, workflow: uuid.UUID) -> None:
        done = run("events", "any", "--workflow", str(workflow), "--journal", journal, "--json")
        events = [json.loads(line) for line in done.stdout.splitlines()]
        assert [event["event"] for event in events] == ["PingRegistryStarted", "ServerPinged"]
        assert events[1]["parent"] == events[0]["id"]
        assert events[1]["fields"]["status_message"] == "bell\a \x1b[31mred\nline"

    def test_the_journal_from_the_environment(self, journal: str, workflow: uuid.UUID) -> None:
        environment = {**os.environ, "PINGREGISTRYWF_JOURNAL": journal}
        words = ["events", "any", "--workflow", str(workflow)]
        done = subprocess.run(
            [sys.executable, "-m", "pingregistrywf", *words],
            capture_output=True,
            env=environment,
            check=False,
        )
        assert done.returncode == 0

    def test_an_unknown_workflow_is_a_no(self, journal: str, workflow: uuid.UUID) -> None:
        unknown = str(uuid.uuid4())
        done = run("events", "any", "--workflow", unknown, "--journal", journal)
        refused(done, 1, unknown)

    def test_the_reason_stands_in_a_field_too(self, journal: str, workflow: uuid.UUID) -> None:
        words = ("--workflow", str(uuid.uuid4()), "--journal", journal, "--json")
        said = json.loads(run("events", "any", *words).stdout)
        assert said["exit"] == 1
        assert "uninitialized" in said["error"]

    def test_a_registry_that_nothing_was_begun_in(self, journal: str, workflow: uuid.UUID) -> None:
        refused(run("events", "nobody", "--journal", journal), 1, "'nobody'")
        refused(run("list", "nobody", "--journal", journal), 1, "'nobody'")

    def test_a_workflow_of_another_registry(self, journal: str, workflow: uuid.UUID) -> None:
        done = run("events", "other", "--workflow", str(workflow), "--journal", journal)
        refused(done, 1, str(workflow))

    def test_a_wrong_uuid(self, journal: str, workflow: uuid.UUID) -> None:
        done = run("events", "any", "--workflow", "zero", "--journal", journal)
        refused(done, 2, "--workflow", "'zero'")

    @pytest.mark.parametrize("registry", ["", "\udcff"])
    def test_a_wrong_registry(self, journal: str, workflow: uuid.UUID, registry: str) -> None:
        refused(run("events", registry, "--journal", journal), 2, "registry")

    def test_a_missing_journal_is_not_made(self, tmp_path: Path) -> None:
        missing = tmp_path / "missing.db"
        refused(run("events", "demo", "--journal", f"sqlite:{missing}"), 2, "no such file")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("url", ["", "pings.db", "postgres:x", "sqlite:", "memory:x"])
    def test_a_url_that_makes_no_sense(self, url: str) -> None:
        refused(run("events", "demo", "--journal", url), 2, "cannot open journal")

    def test_a_file_that_is_no_journal(self, tmp_path: Path) -> None:
        path = tmp_path / "notes.txt"
        path.write_text("no journal\n" * 200)
        refused(run("events", "demo", "--journal", f"sqlite:{path}"), 2, "not a journal")
        assert path.read_text() == "no journal\n" * 200

    def test_a_journal_with_flipped_bytes(self, journal: str, workflow: uuid.UUID) -> None:
        path = Path(journal.removeprefix("sqlite:"))
        with closing(sqlite3.connect(path)) as database, database:
            ((data,),) = database.execute("SELECT data FROM event ORDER BY serial DESC LIMIT 1")
        content = path.read_bytes()
        assert content.count(data[-8:]) == 1
        path.write_bytes(content.replace(data[-8:], b"FLIPPED!"))
        done = run("events", "any", "--workflow", str(workflow), "--journal", journal)
        refused(done, 2, "corrupted data")


class TestAdapter:
    def test_answers_on_its_journal(self, tmp_path: Path) -> None:
        journal = f"sqlite:{tmp_path / 'adapter.db'}"
        workflow_id, registry_id = str(uuid.uuid4()), str(uuid.uuid4())
        requests = [
            {"id": 1, "op": "hello", "protocol": 1},
            {
                "id": 2,
                "op": "exec",
                "workflow": workflow_id,
                "command": "Init",
                "args": {"registry_id": registry_id},
            },
            {"id": 3, "op": "bye"},
            {"id": 4, "op": "find", "workflow": workflow_id},
        ]
        text = "".join(json.dumps(request) + "\n" for request in requests)
        done = run("adapter", "--journal", journal, input=text)
        assert done.returncode == 0
        replies = [json.loads(line) for line in done.stdout.splitlines()]
        assert [reply["id"] for reply in replies] == [1, 2, 3]  # nothing after bye
        with open_journal(journal) as opened:
            state = Workflows(opened).find_id(uuid.UUID(workflow_id))
        assert str(state.vid) == replies[1]["ok"]["vid"]

    def test_a_journal_that_cannot_be_opened(self) -> None:
        refused(run("adapter", "--journal", "nonsense", input=""), 2, "cannot open journal")
