"""The commands of admin and operator: begin, get, commit, list, events, watch, and the daemons."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from rich.console import Console

from pingregistrywf import NO_VC, Journal, Ulid, open_journal
from pingregistrywf._generated.ping_registry_index import UnknownWorkflowError
from pingregistrywf.cli.registry import follow_lines
from pingregistrywf.coordination import screen
from pingregistrywf.coordination.registry import PingRegistry
from pingregistrywf.coordination.registry_ids import RegistryIds
from pingregistrywf.coordination.waiting import Stop
from pingregistrywf.runtime.journal import Reading

from . import command_line
from .command_line import environment

STALE = "01HZZZZZZZZZZZZZZZZZZZZZZZ"


def start(*words: str, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pingregistrywf", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(PYTHONUNBUFFERED="1", **variables),
    )


def run(*words: str, **variables: str) -> tuple[int, str, str]:
    done = command_line.run(*words, env=environment(**variables))
    return done.returncode, done.stdout, done.stderr


def refused(done: tuple[int, str, str], code: int, *words: str) -> None:
    """One clear line, that exit code, no traceback."""
    assert done[0] == code, done
    lines = done[2].splitlines()
    assert len(lines) == 1, done[2]
    assert lines[0].startswith("pingregistrywf: ")
    for word in words:
        assert word in lines[0]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:{tmp_path / 'pings.db'}"


@pytest.fixture
def workflow(url: str) -> str:
    """A workflow of registry reg that has begun and holds one ping."""
    workflow_id = uuid.uuid4()
    with open_journal(url) as journal:
        registry = PingRegistry(journal, "reg")
        registry.begin(workflow_id)
        registry.workflows.append_ping(workflow_id, NO_VC, 3, "alpha ping 1")
    return str(workflow_id)


def summarize(url: str, workflow: str) -> None:
    with open_journal(url) as journal:
        PingRegistry(journal, "reg").workflows.post_summary(uuid.UUID(workflow), NO_VC, 1, "sum")


def everything(url: str, workflow: str) -> tuple[object, ...]:
    with open_journal(url) as journal:
        registry = PingRegistry(journal, "reg")
        workflow_id = uuid.UUID(workflow)
        index_id = registry.index_id
        return registry.workflows.events(workflow_id), registry.indexes.events(index_id)


class TestBegin:
    def test_says_the_id_first_then_the_vids(self, url: str) -> None:
        code, out, err = run("begin", "reg", "--journal", url)
        assert (code, err) == (0, "")
        first, index, last = out.splitlines()
        workflow = str(uuid.UUID(first.split()[1]))
        assert first.startswith("workflow ")
        assert index.startswith("index vid")
        assert Ulid.parse(last.split()[-1])
        again = run("begin", "reg", "--journal", url, "--workflow", workflow, "--json")
        said = [json.loads(line) for line in again[1].splitlines()]
        assert said[0] == {"workflow": workflow}
        assert said[1]["workflow_vid"] == last.split()[-1]

    def test_a_stale_vid_writes_nothing(self, url: str, workflow: str) -> None:
        before = everything(url, workflow)
        other = str(uuid.uuid4())
        done = run("begin", "reg", "--journal", url, "--workflow", other, "--vid", STALE)
        refused(done, 1, "version conflict", STALE)
        assert everything(url, workflow) == before
        assert everything(url, other)[0] == ()

    def test_of_another_registry(self, url: str, workflow: str) -> None:
        before = everything(url, workflow)
        done = run("begin", "other", "--journal", url, "--workflow", workflow)
        refused(done, 1, "RegistryId")
        assert everything(url, workflow) == before

    def test_vid_and_no_vid(self, url: str) -> None:
        refused(run("begin", "reg", "--journal", url, "--vid", STALE, "--no-vid"), 2, "--no-vid")

    @pytest.mark.parametrize(
        ("words", "named"),
        [
            (("--workflow", "x"), "--workflow"),
            (("--workflow", str(uuid.UUID(int=0))), "nil"),
            (("--vid", "x"), "--vid"),
            (("--vid", "8" + "0" * 25), "--vid"),
        ],
    )
    def test_malformed(self, url: str, words: tuple[str, ...], named: str) -> None:
        refused(run("begin", "reg", "--journal", url, *words), 2, named)


class TestGet:
    def test_active(self, url: str, workflow: str) -> None:
        code, out, _ = run("get", "reg", "--workflow", workflow, "--journal", url)
        assert code == 0
        assert out == "ping     3 alpha ping 1\nsummary  101 appending\n"

    def test_waits_until_it_is_summarized(self, url: str, workflow: str) -> None:
        waiting = start(
            *("get", "reg", "--workflow", workflow, "--wait", "100", "--json", "--journal", url)
        )
        summarize(url, workflow)
        out, _ = waiting.communicate(timeout=60)
        got = json.loads(out)
        assert got["summary"] == {"code": 100, "message": "sum"}
        assert got["pings"][0]["code"] == 3

    def test_a_wait_that_is_over(self, url: str, workflow: str) -> None:
        done = run("get", "reg", "--workflow", workflow, "--wait", "0.01", "--journal", url)
        assert done[0] == 0
        assert "101 appending" in done[1]

    def test_a_wait_ended_by_a_signal(self, url: str, workflow: str) -> None:
        # Its subscription is there once the watch has opened the file; a signal before that ends
        # the process all the same, with the signal's own exit code.
        waiting = start("get", "reg", "--workflow", workflow, "--wait", "100", "--journal", url)
        waiting.send_signal(signal.SIGTERM)
        waiting.communicate(timeout=60)
        assert waiting.returncode in (143, -signal.SIGTERM)


class TestCommit:
    def test_completes_and_may_be_run_again(self, url: str, workflow: str) -> None:
        summarize(url, workflow)
        first = run("commit", "reg", "--workflow", workflow, "--journal", url)
        assert first[0] == 0
        before = everything(url, workflow)
        assert run("commit", "reg", "--workflow", workflow, "--journal", url) == first
        assert everything(url, workflow) == before
        got = run("get", "reg", "--workflow", workflow, "--journal", url)
        assert "summary  1 sum" in got[1]

    def test_too_early(self, url: str, workflow: str) -> None:
        before = everything(url, workflow)
        refused(run("commit", "reg", "--workflow", workflow, "--journal", url), 1, "Commit")
        assert everything(url, workflow) == before

    def test_a_stale_vid(self, url: str, workflow: str) -> None:
        summarize(url, workflow)
        before = everything(url, workflow)
        words = ("commit", "reg", "--workflow", workflow, "--vid", STALE, "--journal", url)
        refused(run(*words), 1, "version conflict")
        assert everything(url, workflow) == before


@pytest.mark.parametrize("command", ["get", "commit"])
class TestWhatIsWrong:
    def test_another_registry(self, url: str, workflow: str, command: str) -> None:
        summarize(url, workflow)
        before = everything(url, workflow)
        done = run(command, "other", "--workflow", workflow, "--journal", url)
        reason = f"registry 'other' does not list workflow {workflow}; `pingregistrywf list other`"
        refused(done, 1, reason)
        assert everything(url, workflow) == before

    def test_an_unknown_workflow(self, url: str, workflow: str, command: str) -> None:
        refused(run(command, "reg", "--workflow", str(uuid.uuid4()), "--journal", url), 1)

    def test_a_malformed_workflow(self, url: str, workflow: str, command: str) -> None:
        refused(run(command, "reg", "--workflow", "x", "--journal", url), 2, "--workflow")

    def test_a_missing_journal(self, tmp_path: Path, command: str) -> None:
        missing = f"sqlite:{tmp_path / 'missing.db'}"
        done = run(command, "reg", "--workflow", str(uuid.uuid4()), "--journal", missing)
        refused(done, 2, "no such file")
        assert list(tmp_path.iterdir()) == []


EVERY = (
    ("begin", "reg"),
    ("get", "reg", "--workflow", str(uuid.UUID(int=1))),
    ("commit", "reg", "--workflow", str(uuid.UUID(int=1))),
    ("list", "reg"),
    ("events", "reg"),
    ("watch", "reg"),
    ("server", "reg", "--name", "alpha"),
    ("gather", "reg"),
    ("collect", "reg"),
)


@pytest.mark.parametrize("words", EVERY, ids=[words[0] for words in EVERY])
class TestJournalsThatCannotBeUsed:
    """Each command says in one line why, and changes nothing."""

    def test_a_newer_one(self, url: str, workflow: str, words: tuple[str, ...]) -> None:
        path = Path(url.removeprefix("sqlite:"))
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA user_version = 99")
        before = path.read_bytes()
        code, out, err = run(*words, "--journal", url)
        (line,) = [line for line in err.splitlines() if line.startswith("pingregistrywf: ")]
        assert code == 2
        assert "99" in line
        assert "newer" in line
        assert path.read_bytes() == before
        assert words[0] == "begin" or out == ""

    def test_a_registry_that_is_not_a_name(self, url: str, words: tuple[str, ...]) -> None:
        with open_journal(url):
            pass  # there is a journal, so that nothing else is wrong
        command, _, *options = words
        done = run(command, "Reg", *options, "--journal", url)
        refused(
            done,
            2,
            "'Reg' is not the name of a registry",
            "one or more words of lower-case letters",
        )
        assert done[1] == ""

    def test_no_url_at_all(self, words: tuple[str, ...]) -> None:
        code, _, err = run(*words)
        assert code == 2
        assert "--journal" in err
        assert "Traceback" not in err


def test_a_journal_locked_by_another_program(url: str, workflow: str) -> None:
    before = everything(url, workflow)
    with contextlib.closing(sqlite3.connect(Path(url.removeprefix("sqlite:")))) as database:
        database.execute("BEGIN IMMEDIATE")
        hurried = f"{url}?timeout=0.1"
        process = start("begin", "reg", "--journal", hurried, "--workflow", str(uuid.uuid4()))
        out, err = process.communicate(timeout=60)
        refused((process.returncode, out, err), 2, "locked")
        got = run("get", "reg", "--workflow", workflow, "--journal", url)
        assert got[0] == 0  # a reader does not wait
    assert everything(url, workflow) == before


class TestListAndEvents:
    def test_list(self, url: str, workflow: str) -> None:
        code, out, _ = run("list", "reg", "--journal", url)
        assert code == 0
        head, line = out.splitlines()
        assert head.split() == ["WORKFLOW", "STATE", "PINGS", "FAILED", "STARTED", "SUMMARY"]
        assert re.fullmatch(rf"{workflow}  Appending +1 +1  \S+", line)
        (line,) = run("list", "reg", "--journal", url, "--json")[1].splitlines()
        row = json.loads(line)
        assert (row["state"], row["listed"], row["pings"], row["failed"]) == (
            "Appending",
            "active",
            1,
            1,
        )
        assert run("list", "reg", "-q", "--journal", url)[1] == f"{workflow}\n"

    def test_list_of_some_states_in_some_order(self, url: str, workflow: str) -> None:
        summarize(url, workflow)
        # What begins within one millisecond has no order.
        later = itertools.count(int(time.time()) + 1)
        with open_journal(url, clock=lambda: next(later)) as journal:
            registry = PingRegistry(journal, "reg")
            for number in (3, 1, 2):
                registry.begin(uuid.UUID(int=number))
            for _ in range(2):
                registry.ping(uuid.UUID(int=1), 0, "beta ping 1")

        def listed(*words: str) -> list[str]:
            out = run("list", "reg", *words, "--json", "--journal", url)[1]
            return [json.loads(line)["workflow"][-1] for line in out.splitlines()]

        last = workflow[-1]
        assert listed() == [last, "3", "1", "2"]
        assert listed("--state", "summarized") == [last]
        assert listed("--state", "Initialized", "--state", "Appending") == ["3", "1", "2"]
        assert listed("--state", "Initialized", "--sort", "workflow") == ["2", "3"]
        assert listed("--sort", "pings") == ["3", "2", last, "1"]
        assert listed("--sort", "state") == ["3", "2", "1", last]
        assert listed("--state", "Terminated") == []
        wrong = run("list", "reg", "--state", "Gone", "--journal", url)
        refused(wrong, 2, "--state", "'Gone'", "Summarized")
        refused(run("list", "reg", "-q", "--sort", "pings", "--journal", url), 2, "--quiet")

    def test_list_shows_what_is_deleted_and_still_listed(self, url: str, workflow: str) -> None:
        with open_journal(url) as journal:
            registry = PingRegistry(journal, "reg")
            registry.expire(uuid.UUID(workflow))
            registry.workflows.delete(uuid.UUID(workflow), NO_VC)
        (line,) = run("list", "reg", "--journal", url, "--json")[1].splitlines()
        row = json.loads(line)
        assert (row["state"], row["listed"]) == ("Deleted", "completed")
        assert row["completed"]

    def test_after(self, url: str, workflow: str) -> None:
        words = ("events", "reg", "--workflow", workflow, "--journal", url, "--json")
        first, second = (json.loads(line) for line in run(*words)[1].splitlines())
        (rest,) = run(*words, "--after", first["id"])[1].splitlines()
        assert json.loads(rest) == second
        assert run(*words, "--after", second["id"])[1] == ""

    def test_after_an_event_that_is_not_there(self, url: str, workflow: str) -> None:
        words = ("events", "reg", "--workflow", workflow, "--journal", url)
        refused(run(*words, "--after", STALE), 2, "--after", STALE)
        refused(run(*words, "--after", "x"), 2, "--after")

    def test_watch_goes_on_with_what_comes(self, url: str, workflow: str) -> None:
        watching = start(
            *("events", "reg", "--workflow", workflow, "--watch", "--json", "--journal", url)
        )
        assert watching.stdout is not None
        assert json.loads(watching.stdout.readline())["event"] == "PingRegistryStarted"
        assert json.loads(watching.stdout.readline())["event"] == "ServerPinged"
        summarize(url, workflow)
        assert json.loads(watching.stdout.readline())["event"] == "ServerPingsGathered"
        watching.send_signal(signal.SIGINT)
        watching.communicate(timeout=60)
        assert watching.returncode == 130

    def test_watch_refuses_a_workflow_of_another_registry(self, url: str, workflow: str) -> None:
        watching = start("events", "other", "--workflow", workflow, "--watch", "--journal", url)
        out, err = watching.communicate(timeout=60)
        refused((watching.returncode, out, err), 1, workflow)
        assert out == ""


class TestTimes:
    """Times are local, with the offset from UTC, unless UTC or JSON is asked for."""

    ZONES = (("IST-5:30", "+05:30"), ("<-03>3", "-03:00"), ("UTC0", "+00:00"))

    @pytest.mark.parametrize(("zone", "offset"), ZONES)
    def test_events(self, url: str, workflow: str, zone: str, offset: str) -> None:
        words = ("events", "reg", "--workflow", workflow, "--journal", url)
        stored = [json.loads(line)["time"] for line in run(*words, "--json")[1].splitlines()]
        local = [line.split()[0] for line in run(*words, TZ=zone)[1].splitlines()]
        assert {each[-6:] for each in local} == {offset}
        assert [datetime.fromisoformat(each) for each in local] == [
            datetime.fromisoformat(each) for each in stored
        ]
        in_utc = run(*words, "--utc", TZ=zone)[1].splitlines()
        assert [line.split()[0] for line in in_utc] == stored

    def test_list(self, url: str, workflow: str) -> None:
        words = ("list", "reg", "--journal", url)
        local = run(*words, TZ="IST-5:30")[1].split()[-1]
        in_utc = run(*words, "--utc", TZ="IST-5:30")[1].split()[-1]
        assert (local[-6:], in_utc[-6:]) == ("+05:30", "+00:00")
        assert datetime.fromisoformat(local) == datetime.fromisoformat(in_utc)

    @pytest.mark.parametrize(("options", "offset"), [((), "+05:30"), (("--log-json",), "+00:00")])
    def test_logs(self, url: str, options: tuple[str, ...], offset: str) -> None:
        server = start("server", "reg", "--name", "a", "--journal", url, *options, TZ="IST-5:30")
        assert server.stderr is not None
        line = server.stderr.readline()
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)
        assert f"{offset} info pingregistrywf.server watching" in line or f'{offset}"' in line


class TestOnATerminal:
    """What a terminal of 80 columns shows, with no color."""

    @pytest.fixture
    def shown(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[str]]]:
        def show(url: str, workflow_id: uuid.UUID | None) -> list[str]:
            written = io.StringIO()
            monkeypatch.setattr(screen, "Console", partial(Console, file=written, width=80))
            with open_journal(url) as journal:
                registry = PingRegistry(journal, "reg")
                lines = follow_lines(registry, workflow_id, None, Stop(), until=0.0)
                screen.show(lines, utc=False)
            return written.getvalue().splitlines()

        monkeypatch.setenv("TZ", "IST-5:30")
        time.tzset()
        yield show
        monkeypatch.undo()
        time.tzset()

    def test_a_workflow(self, url: str, workflow: str, shown: Callable[..., list[str]]) -> None:
        summarize(url, workflow)
        with open_journal(url) as journal:
            events = PingRegistry(journal, "reg").workflows.events(uuid.UUID(workflow))
        moments = [each.id.time.astimezone() for each in events]
        lines = shown(url, uuid.UUID(workflow))
        assert all(len(line) <= 80 for line in lines)
        assert lines[0] == f"{moments[0]:%Y-%m-%d}, times in UTC+05:30"
        begun, registry, pinged, summarized, *_ = lines[1:]
        assert begun.endswith("  admin       PingRegistryStarted    Initialized")
        assert registry == f"{'':14}registry_id {RegistryIds('reg').id}"
        assert pinged.endswith("  alpha       ServerPinged           Appending    3 alpha ping 1")
        assert summarized.endswith("  gatherer    ServerPingsGathered    Summarized   1 sum")
        for line, moment in zip((begun, pinged, summarized), moments, strict=True):
            assert line.startswith(f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03}  ")

    def test_an_index(self, url: str, workflow: str, shown: Callable[..., list[str]]) -> None:
        lines = shown(url, None)
        assert all(len(line) <= 80 for line in lines)
        assert lines[1].rstrip().endswith("              PingRegistryStarted    Active")
        assert lines[2].startswith(f"{'':14}workflow_event_id ")
        assert lines[3] == f"{'':14}workflow_id {workflow}"
        assert not "".join(lines[4:]).strip()  # no path: the chart's states are a workflow's


class Counted:
    """A journal that counts the entries that are read from it."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.entries = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def read(self, *words: Any, **options: Any) -> Reading:
        reading = self._journal.read(*words, **options)
        self.entries += len(reading.entries)
        return reading


class TestFollow:
    @pytest.mark.parametrize("snapshot", [False, True])
    def test_a_wake_up_reads_what_is_new(self, snapshot: bool) -> None:
        journal: Any = Counted(open_journal("memory:"))
        writer = PingRegistry(journal._journal, "reg")
        for _ in range(100):
            writer.begin(uuid.uuid4())
        if snapshot:
            writer.indexes.snapshot(writer.index_id, NO_VC, False)
        lines = follow_lines(PingRegistry(journal, "reg"), None, None, Stop())
        for event in writer.indexes.events(writer.index_id):
            assert next(lines).event == event
        journal.entries = 0
        for _ in range(3):
            workflow_id = uuid.uuid4()
            writer.begin(workflow_id)
            assert next(lines).event.workflow_id == workflow_id  # type: ignore[attr-defined]
        assert journal.entries == 3

    def test_a_workflow_that_another_registry_begins_later(self) -> None:
        with open_journal("memory:") as journal:
            workflow_id = uuid.uuid4()
            registry = PingRegistry(journal, "reg")
            lines = follow_lines(registry, workflow_id, None, Stop())
            begins = Thread(target=PingRegistry(journal, "other").begin, args=(workflow_id,))
            begins.start()
            with pytest.raises(UnknownWorkflowError):
                next(lines)
            begins.join()

    def test_a_history_that_is_begun_anew(self) -> None:
        clock = itertools.count(1_700_000_000.0, 3_600.0)
        with open_journal("memory:", clock=lambda: next(clock)) as journal:
            registry = PingRegistry(journal, "reg")
            workflow_id = uuid.uuid4()
            registry.begin(workflow_id)
            lines = follow_lines(registry, workflow_id, None, Stop())
            assert next(lines).state == "Initialized"
            registry.workflows.abort_expired(workflow_id, NO_VC)
            assert next(lines).state == "Completed"
            registry.workflows.delete(workflow_id, NO_VC)
            while not journal.collect(next(clock) + 31 * 86_400.0).freed:
                pass
            registry.begin(workflow_id)
            assert next(lines).state == "Initialized"

    def test_a_history_that_is_trimmed(self, tmp_path: Path) -> None:
        with open_journal(f"sqlite:{tmp_path / 'pings.db'}") as journal:
            registry = PingRegistry(journal, "reg")
            index_id = registry.index_id
            registry.begin(uuid.uuid4())
            lines = follow_lines(registry, None, None, Stop())
            assert next(lines).state == "Active"
            registry.begin(uuid.uuid4())
            for _ in range(2):  # trimmed to the first, of which a reader does not begin
                registry.indexes.snapshot(index_id, NO_VC, False)
                journal.trim(index_id)
                registry.begin(uuid.uuid4())
            visible = registry.indexes.events(index_id)
            assert len(visible) == 8
            for event in visible:
                assert next(lines).event == event


class TestWatch:
    def test_tells_each_change(self, url: str, workflow: str) -> None:
        watching = start("watch", "reg", "--json", "--journal", url)
        assert watching.stdout is not None
        row = json.loads(watching.stdout.readline())
        assert (row["workflow"], row["state"], row["pings"]) == (workflow, "Appending", 1)
        assert row["allowed"] == ["AppendPing", "PostSummary", "AbortExpired"]
        summarize(url, workflow)
        row = json.loads(watching.stdout.readline())
        assert (row["state"], row["summary"]) == ("Summarized", "1 sum")
        assert row["allowed"] == ["Commit", "AbortExpired"]
        watching.send_signal(signal.SIGTERM)
        watching.communicate(timeout=60)
        assert watching.returncode == 143


class TestDaemons:
    def test_a_killed_server_resumes_where_it_was(self, url: str) -> None:
        words = ("server", "reg", "--name", "alpha", "--log-json", "--journal", url)
        first = start(*words, "--interval", "3600")
        assert first.stderr is not None
        watching = json.loads(first.stderr.readline())
        assert (watching["action"], watching["name"]) == ("watching", "alpha")
        (begun, _) = run("begin", "reg", "--journal", url, "--json")[1].splitlines()
        workflow = json.loads(begun)["workflow"]
        assert json.loads(first.stderr.readline())["number"] == 1
        first.kill()
        first.communicate(timeout=60)
        second = start(*words, "--interval", "0")
        assert second.stderr is not None
        lines = [json.loads(second.stderr.readline()) for _ in range(3)]
        assert [line.get("number") for line in lines] == [None, 2, 3]
        assert lines[-1]["workflow"] == workflow
        second.send_signal(signal.SIGTERM)
        _, rest = second.communicate(timeout=60)
        assert json.loads(rest)["action"] == "stopped"
        assert second.returncode == 143

    def test_collect_says_what_it_would_do_and_does_it(self, url: str, workflow: str) -> None:
        dry = run("collect", "reg", "--dry-run", "--journal", url)
        assert dry == (0, "nothing to do\n", "")  # nothing is old enough
        code, out, _ = run("collect", "reg", "--json", "--journal", url)
        assert code == 0
        actions = [json.loads(line)["action"] for line in out.splitlines()]
        assert actions == ["snapshot", "trim", "collect"]

    def test_collect_for_a_wrong_name_would_do_nothing(self, url: str, workflow: str) -> None:
        dry = run("collect", "rge", "--dry-run", "--journal", url)
        refused(dry, 1, "nothing was ever begun in registry 'rge'")

    @pytest.mark.parametrize("command", ["server", "gather"])
    def test_a_daemon_has_a_name(self, url: str, command: str) -> None:
        refused(run(command, "reg", "--name", " ", "--journal", url), 2, "'--name': it is empty")

    @pytest.mark.parametrize("words", [("server", "reg", "--name", "x"), ("gather", "reg")])
    def test_a_journal_that_is_none(self, tmp_path: Path, words: tuple[str, ...]) -> None:
        path = tmp_path / "notes.txt"
        path.write_text("no journal " * 100)
        refused(run(*words, "--journal", f"sqlite:{path}"), 2, "cannot open journal")
