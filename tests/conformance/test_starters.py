"""Each starter as a team gets it: written, built with its toolchain, and asked over its pipes."""

from __future__ import annotations

import ast
import errno
import json
import os
import shlex
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from shutil import which
from typing import Any

import pytest
import yaml

from pingregistrywf._generated.ping_registry import DECLARATION
from pingregistrywf.conformance.starters import LANGUAGES, STARTERS, write

from ..cells import Cell
from ..tiers import EXHAUSTIVE
from ..tools import require_tool

pytestmark = pytest.mark.slow

SHA256 = DECLARATION.sha256
BUILT = LANGUAGES if EXHAUSTIVE else ("python", "javascript")
EPOCH = "0" * 26
REGISTRY = "8f8a8dd8-5ac5-4a0e-a5c3-0f0d6f2f0b4e"
OTHER_REGISTRY = "c2b1f7a5-68d1-4f0e-8d3b-1a8a7a0b7f10"
MIB = 1 << 20

# How a workflow gets into each state.
WAYS: dict[str, tuple[str, ...]] = {
    "Uninitialized": (),
    "Initialized": ("Init",),
    "Appending": ("Init", "AppendPing"),
    "Summarized": ("Init", "AppendPing", "PostSummary"),
    "Completed": ("Init", "AppendPing", "PostSummary", "Commit"),
    "Terminated": ("Init", "AppendPing", "PostSummary", "Commit", "End"),
    "Deleted": ("Init", "AppendPing", "PostSummary", "Commit", "End", "Delete"),
}
ARGS: dict[str, dict[str, Any]] = {
    "Init": {"registry_id": REGISTRY},
    "AppendPing": {"code": -1, "message": "hi"},
    "PostSummary": {"code": 1, "message": "so so"},
}
FIELDS: dict[str, dict[str, Any]] = {
    "PingRegistryStarted": {"registry_id": REGISTRY},
    "ServerPinged": {"status_code": -1, "status_message": "hi"},
    "ServerPingsGathered": {"status_code": 1, "status_message": "so so"},
    "PingRegistryCompleted": {},
    "PingRegistryCommitted": {},
}

# Nothing may be downloaded, and no setting of the machine's may change what is written.
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
    "LC_ALL": "C",
    "PYTHONIOENCODING": "latin-1",
    "JAVA_TOOL_OPTIONS": "-Dfile.encoding=ISO-8859-1",
    "GOPROXY": "off",
    "GOTOOLCHAIN": "local",
}


def build(language: str, directory: Path) -> None:
    """Write and build a starter, or say why its tests are skipped."""
    starter = STARTERS[language]
    for command in (starter.build, starter.run):
        tool = command.partition(" ")[0]
        if tool and "/" not in tool:
            require_tool(tool)
    if not directory.exists():
        write(language, directory, sha256=SHA256)
    if starter.build:
        run(starter.build, directory)


def run(command: str, directory: Path) -> str:
    """A line of shell that must succeed; what it prints."""
    done = subprocess.run(
        command, shell=True, cwd=directory, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Adapter:
    """The adapter's process, and one request at a time."""

    def __init__(self, language: str, directory: Path) -> None:
        self.process = subprocess.Popen(
            shlex.split(STARTERS[language].run),
            cwd=directory,
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.requests, self.replies = self.process.stdin, self.process.stdout
        self.number = 0

    def line(self, line: bytes) -> Any:
        """The answer to a line, whatever it is."""
        self.requests.write(line + b"\n")
        self.requests.flush()
        reply = self.replies.readline()
        assert reply.endswith(b"\n")
        assert not reply.endswith(b"\r\n")
        return json.loads(reply)

    def send(self, number: int, op: str, **keys: Any) -> None:
        """Send a request, and do not wait for its answer."""
        self.requests.write(json.dumps({"id": number, "op": op, **keys}).encode() + b"\n")
        self.requests.flush()

    def receive(self) -> Any:
        """The next answer, whatever it is about."""
        return json.loads(self.replies.readline())

    def ask(self, op: str, **keys: Any) -> Any:
        """What stands in ``ok``, or the answer without its id."""
        self.number += 1
        reply = self.line(json.dumps({"id": self.number, "op": op, **keys}).encode())
        assert reply.pop("id") == self.number
        ((kind, content),) = reply.items()
        return content if kind == "ok" else reply

    def tell(self, workflow: str, command: str, args: Any = None, **keys: Any) -> Any:
        given = ARGS.get(command, {}) if args is None else args
        return self.ask("exec", workflow=workflow, command=command, args=given, **keys)

    def code(self, workflow: str, command: str, args: Any = None, **keys: Any) -> str:
        """The code of the error that a command is answered."""
        text: str = self.tell(workflow, command, args, **keys)["error"]["code"]
        return text

    def find(self, workflow: str, **keys: Any) -> Any:
        return self.ask("find", workflow=workflow, **keys)

    def events(self, workflow: str, **keys: Any) -> Any:
        return self.ask("events", workflow=workflow, **keys)["events"]

    def end(self) -> int:
        """Close the adapter's input; its exit code."""
        self.requests.close()
        try:
            assert self.replies.read() == b""
            return self.process.wait()
        finally:
            self.replies.close()


@pytest.fixture(
    scope="module",
    # One worker builds each starter.
    params=[pytest.param(each, marks=pytest.mark.xdist_group(each)) for each in BUILT],
)
def language(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def built(language: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp(language) / "starter"
    build(language, directory)
    return directory


@pytest.fixture(scope="module")
def adapter(language: str, built: Path) -> Iterator[Adapter]:
    made = Adapter(language, built)
    yield made
    assert made.ask("bye") == {"bye": {}}
    assert made.end() == 0


@pytest.fixture
def workflow() -> str:
    return str(uuid.uuid4())


@pytest.fixture
def reach(adapter: Adapter, workflow: str) -> Callable[[str], str]:
    def reach(state: str) -> str:
        for command in WAYS[state]:
            assert "vid" in adapter.tell(workflow, command)
        return workflow

    return reach


class TestWriting:
    @pytest.fixture(params=LANGUAGES)
    def written(self, request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, list[Path]]:
        return request.param, write(request.param, tmp_path / "a" / "b", sha256=SHA256)

    def test_what_the_team_edits_is_one_short_file(self, written: tuple[str, list[Path]]) -> None:
        language, (edited, *_) = written
        text = edited.read_text(encoding="utf-8")
        assert edited.name == Path(STARTERS[language].edited).name
        assert len(text.splitlines()) < 160
        assert text.count("--- REPLACE FROM HERE ---") == 1

    def test_what_it_does_not_edit_says_so(self, written: tuple[str, list[Path]]) -> None:
        language, (edited, *_) = written
        for name in STARTERS[language].plumbing:
            begins = (edited.parents[name.count("/")] / name).read_text(encoding="utf-8")[:400]
            assert "Do not edit this file." in begins

    def test_all_is_filled_in(self, written: tuple[str, list[Path]]) -> None:
        texts = [path.read_text(encoding="utf-8") for path in written[1]]
        assert not any("@CHART" in text or "@RUN@" in text for text in texts)
        assert any(f"{SHA256}" in text for text in texts)
        assert not any("\r" in text or not text.endswith("\n") for text in texts)

    def test_nothing_but_what_is_told_is_written(self, written: tuple[str, list[Path]]) -> None:
        _, paths = written
        top = next(path for path in paths if path.name == "README.md").parent
        assert sorted(paths) == sorted(path for path in top.rglob("*") if path.is_file())
        assert {path.name for path in paths} >= {"README.md", "ci.yml"}

    def test_the_ci_snippet_is_yaml_that_runs_the_adapter(
        self, written: tuple[str, list[Path]]
    ) -> None:
        language, paths = written
        snippet = next(path for path in paths if path.name == "ci.yml")
        read = yaml.safe_load(snippet.read_text(encoding="utf-8"))
        steps = read["jobs"]["conformance"]["steps"]
        runs = [step["run"] for step in steps if "run" in step]
        starter = STARTERS[language]
        conform = f"pingregistrywf conform --adapter '{starter.run}'"
        assert runs == [
            "pip install 'pingregistrywf[conformance]'",
            *([starter.build] if starter.build else []),
            conform,
        ]

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_nothing_is_overwritten(self, language: str, tmp_path: Path) -> None:
        names = [path.relative_to(tmp_path) for path in write(language, tmp_path, sha256=SHA256)]
        for number, name in enumerate(names):
            directory = tmp_path / f"again{number}"
            (directory / name).parent.mkdir(parents=True)
            (directory / name).symlink_to("nowhere")
            with pytest.raises(FileExistsError, match="is not overwritten: name another") as raised:
                write(language, directory, sha256=SHA256)
            assert str(directory / name) in str(raised.value)
            assert [path for path in directory.rglob("*") if not path.is_dir()] == [
                directory / name
            ]

    def test_a_file_is_no_directory(self, tmp_path: Path) -> None:
        (tmp_path / "src").touch()
        with pytest.raises(FileExistsError, match="src' exists, and is no directory"):
            write("rust", tmp_path, sha256=SHA256)
        assert list(tmp_path.iterdir()) == [tmp_path / "src"]

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_all_or_nothing(
        self, language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened = Path.open

        def full_at_the_end(path: Path, *args: Any, **keywords: Any) -> Any:
            if path.name == "ci.yml" and "x" in args:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return opened(path, *args, **keywords)

        monkeypatch.setattr(Path, "open", full_at_the_end)
        with pytest.raises(OSError, match="No space"):
            write(language, tmp_path / "new" / "one", sha256=SHA256)
        assert list(tmp_path.iterdir()) == []

    def test_an_unknown_language(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="'cobol': choose one of python, javascript, java, go"):
            write("cobol", tmp_path / "new", sha256=SHA256)
        assert list(tmp_path.iterdir()) == []


# What the toolchains have to say, beyond that it can be built: nothing.
TOOLS = {
    "python": f"{sys.executable} -m mypy --strict --config-file= --cache-dir={os.devnull} *.py",
    "javascript": "node --check adapter.mjs && node --check protocol.mjs",
    "java": "javac -Xlint:all -Werror --release 11 -encoding UTF-8 -d strict *.java",
    "go": "gofmt -l . && go vet .",
    "rust": "cargo fmt --check && cargo clippy --quiet --offline -- -D warnings",
}
MANIFESTS = {"javascript": "package.json", "go": "go.mod", "rust": "Cargo.toml"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_its_page_says_how_to_build_and_run_it(language: str) -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / f"conformance-{language}.md"
    text = page.read_text(encoding="utf-8")
    starter = STARTERS[language]
    assert f"conform init --language {language} " in text
    assert f"\n{starter.build}\n" in text
    assert f"--adapter {shlex.quote(starter.run)} --level 1-3" in text
    assert all(f"`{name}`" in text for name in (starter.edited, *starter.plumbing, "ci.yml"))


class TestCode:
    def test_the_toolchain_finds_nothing(self, language: str, built: Path) -> None:
        if language == "rust" and not (which("cargo-fmt") and which("cargo-clippy")):
            pytest.skip("this Rust comes without rustfmt and Clippy")
        said = run(TOOLS[language], built)
        assert said == "" or language == "python"

    def test_nothing_is_depended_on(self, language: str, built: Path) -> None:
        text = (built / MANIFESTS.get(language, "ci.yml")).read_text(encoding="utf-8")
        assert "ependencies" not in text
        assert "require" not in text

    def test_python_is_that_of_3_9(self, tmp_path: Path) -> None:
        for path in write("python", tmp_path, sha256=SHA256):
            if path.suffix == ".py":
                ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))


class TestTable:
    def test_each_cell(self, adapter: Adapter, reach: Callable[[str], str], cell: Cell) -> None:
        workflow = reach(cell.state)
        history, state = adapter.events(workflow), adapter.find(workflow)
        head = history[-1]["id"] if history else EPOCH
        args = {"registry_id": OTHER_REGISTRY} if cell.same is False else ARGS.get(cell.command, {})
        told = adapter.tell(workflow, cell.command, args)
        if cell.outcome == "reject":
            assert cell.error is not None
            error = told["error"]
            assert error["code"] == cell.error.removesuffix("Error")
            assert error["definite"] is True
            assert error.get("arg") == ("RegistryId" if "NotIdempotent" in cell.error else None)
        elif cell.outcome == "emit":
            assert cell.event is not None
            (event,) = told.pop("events")
            assert told == {"vid": event["id"]}
            fields = args if cell.command == "Init" else FIELDS[cell.event]
            assert event == {
                "event": cell.event,
                "id": event["id"],
                "parent": head,
                "fields": fields,
            }
            assert event["id"] > head
            assert adapter.events(workflow) == [*history, event]
            assert adapter.find(workflow)["state"] == cell.target
        elif cell.outcome == "delete":
            assert told == {"vid": EPOCH, "events": []}
            assert adapter.events(workflow) == []
            assert adapter.find(workflow)["error"]["code"] == "Uninitialized"
        else:
            assert told == {"vid": head, "events": []}
        if cell.outcome in ("reject", "noop"):
            assert adapter.events(workflow) == history
            assert adapter.find(workflow) == state

    def test_what_is_carried(self, adapter: Adapter, reach: Callable[[str], str]) -> None:
        workflow = reach("Terminated")
        started, pinged, gathered, completed, committed = adapter.events(workflow)
        names = [event["event"] for event in (started, pinged, gathered, completed, committed)]
        assert names == list(FIELDS)
        assert adapter.find(workflow) == {
            "state": "Terminated",
            "vid": committed["id"],
            "registry_id": REGISTRY,
            "pings": [{"code": -1, "message": "hi", "event_id": pinged["id"]}],
            "summary": {"code": 1, "message": "so so", "event_id": gathered["id"]},
        }

    def test_aborted_without_a_summary(self, adapter: Adapter, reach: Callable[[str], str]) -> None:
        workflow = reach("Initialized")
        adapter.tell(workflow, "AbortExpired")
        found = adapter.find(workflow)
        assert (found["pings"], found["summary"]) == ([], None)


class TestVersions:
    def test_the_head(self, adapter: Adapter, workflow: str) -> None:
        vid = EPOCH
        for command in WAYS["Terminated"]:
            vid = adapter.tell(workflow, command, vid=vid)["vid"]
        assert adapter.tell(workflow, "Delete", vid=vid)["vid"] == EPOCH
        assert adapter.tell(workflow, "Delete", vid=EPOCH)["vid"] == EPOCH

    @pytest.mark.parametrize("state", WAYS)
    @pytest.mark.parametrize("command", ["AppendPing", "PostSummary", "Commit", "End", "Delete"])
    def test_another_is_refused_before_the_state_is_looked_at(
        self, adapter: Adapter, reach: Callable[[str], str], state: str, command: str
    ) -> None:
        workflow = reach(state)
        history = adapter.events(workflow)
        stored = history[-1]["id"] if history else EPOCH
        for stale in ("0" * 25 + "1", "7" + "Z" * 25, history[0]["parent"] if history else None):
            if stale is not None:
                error = adapter.tell(workflow, command, vid=stale)["error"]
                assert error["code"] == "VersionConflict"
                assert (error["stored"], error["expected"]) == (stored, stale)
        assert adapter.events(workflow) == history

    def test_none(self, adapter: Adapter, reach: Callable[[str], str]) -> None:
        workflow = reach("Initialized")
        for vid in ("no_vc", "retry_no_vc"):
            assert adapter.tell(workflow, "AppendPing", vid=vid)["events"]

    @pytest.mark.parametrize("vid", [EPOCH, "7" + "Z" * 25, "nonsense", 7, None])
    def test_with_init_it_is_ignored(self, adapter: Adapter, workflow: str, vid: Any) -> None:
        assert adapter.tell(workflow, "Init", vid=vid)["events"]

    def test_ids_grow_within_a_history(self, adapter: Adapter, reach: Callable[[str], str]) -> None:
        workflow = reach("Initialized")
        for _ in range(300):
            adapter.tell(workflow, "AppendPing")
        events = adapter.events(workflow)
        ids = [event["id"] for event in events]
        assert [event["parent"] for event in events] == [EPOCH, *ids[:-1]]
        assert all(before < after for before, after in pairwise(ids))


class TestServers:
    def test_all_see_the_same(self, adapter: Adapter, workflow: str) -> None:
        adapter.tell(workflow, "Init", server="s1")
        vid = adapter.tell(workflow, "AppendPing", server="s2")["vid"]
        assert adapter.find(workflow)["vid"] == vid
        assert adapter.find(workflow, server="s1") == adapter.find(workflow, server="новый")
        assert adapter.events(workflow, server="s3") == adapter.events(workflow)


WELL = {"code": 0, "message": "hi"}
NIL = str(uuid.UUID(int=0))


class TestMalformed:
    @pytest.mark.parametrize(
        ("command", "args"),
        [
            ("Dance", {}),
            ("append_ping", WELL),
            (None, WELL),
            (7, WELL),
            (["AppendPing"], WELL),
            ("toString", {}),
            ("__proto__", {}),
            ("AppendPing", {}),
            ("AppendPing", []),
            ("AppendPing", None),
            ("AppendPing", "x"),
            ("AppendPing", {"code": 0}),
            ("AppendPing", {"message": ""}),
            ("AppendPing", WELL | {"more": 1}),
            ("AppendPing", WELL | {"constructor": 1}),
            ("AppendPing", {"code": 0, "Message": ""}),
            ("AppendPing", WELL | {"message": None}),
            ("AppendPing", WELL | {"message": 7}),
            ("AppendPing", WELL | {"message": ["hi"]}),
            ("AppendPing", WELL | {"code": 1 << 31}),
            ("AppendPing", WELL | {"code": -(1 << 31) - 1}),
            ("AppendPing", WELL | {"code": 1 << 32}),
            ("AppendPing", WELL | {"code": 1 << 64}),
            ("AppendPing", WELL | {"code": 10**400}),
            ("AppendPing", WELL | {"code": 1.0}),
            ("AppendPing", WELL | {"code": -0.0}),
            ("AppendPing", WELL | {"code": 1.5}),
            ("AppendPing", WELL | {"code": 1e300}),
            ("AppendPing", WELL | {"code": True}),
            ("AppendPing", WELL | {"code": False}),
            ("AppendPing", WELL | {"code": None}),
            ("AppendPing", WELL | {"code": "1"}),
            ("AppendPing", WELL | {"code": [1]}),
            ("AppendPing", WELL | {"code": {}}),
            ("Commit", {"more": 1}),
            ("Commit", [1]),
            ("Init", {}),
            ("Init", {"registry_id": None}),
            ("Init", {"registry_id": 7}),
            ("Init", {"registry_id": ""}),
            ("Init", {"registry_id": NIL}),
            ("Init", {"registry_id": REGISTRY.upper()}),
            ("Init", {"registry_id": REGISTRY.replace("-", "")}),
            ("Init", {"registry_id": f"{{{REGISTRY}}}"}),
            ("Init", {"registry_id": f"urn:uuid:{REGISTRY}"}),
            ("Init", {"registry_id": f" {REGISTRY}"}),
            ("Init", {"registry_id": f"{REGISTRY}\n"}),
            ("Init", {"registry_id": REGISTRY[:-1] + "g"}),
            ("Init", {"registry_id": REGISTRY[:-1] + "é"}),
        ],
    )
    def test_commands(
        self, adapter: Adapter, reach: Callable[[str], str], command: Any, args: Any
    ) -> None:
        workflow = reach("Initialized")
        before = adapter.events(workflow)
        assert adapter.ask("exec", workflow=workflow, command=command, args=args)["error"][
            "code"
        ] == ("InvalidCommand")
        # Before the version, too.
        stale = "7" + "Z" * 25
        reply = adapter.ask("exec", workflow=workflow, command=command, args=args, vid=stale)
        assert reply["error"]["code"] == "InvalidCommand"
        assert adapter.events(workflow) == before

    @pytest.mark.parametrize(
        "vid",
        [
            "",
            "NO_VC",
            *("0" * 25 + end for end in ("", "00", "U", "a", "0\n")),
            "8" + "0" * 25,
            None,
            7,
            [],
            {},
        ],
    )
    def test_vids(self, adapter: Adapter, reach: Callable[[str], str], vid: Any) -> None:
        workflow = reach("Initialized")
        assert adapter.code(workflow, "AppendPing", vid=vid) == "InvalidCommand"
        assert adapter.code(workflow, "Commit", vid=vid) == "InvalidCommand"

    @pytest.mark.parametrize("op", ["exec", "find", "events"])
    @pytest.mark.parametrize(
        "name", [None, "", NIL, REGISTRY.upper(), REGISTRY[:-1], REGISTRY + "0", 7, [REGISTRY]]
    )
    def test_workflows(self, adapter: Adapter, op: str, name: Any) -> None:
        keys = {"command": "Commit", "args": {}} if op == "exec" else {}
        assert adapter.ask(op, workflow=name, **keys)["error"]["code"] == "InvalidCommand"
        assert adapter.ask(op, **keys)["error"]["code"] == "InvalidCommand"

    @pytest.mark.parametrize(
        "line",
        [
            b"",
            b" ",
            b"nonsense",
            b"null",
            b"7",
            b'"text"',
            b"[]",
            b'[{"id": 1, "op": "hello"}]',
            b"{",
            b'{"id": 1',
            b'{"id": 1, "op": "hello"',
            b'{"id": 1, "op": "hello"}}',
            b'{"id": 1, "op": "hello",}',
            b'{"id": 1, "op" "hello"}',
            b'{"id": 1, "op": hello}',
            b"{'id': 1}",
            b'{"id": 01, "op": "hello"}',
            b'{"id": +1, "op": "hello"}',
            b'{"id": 1., "op": "hello"}',
            b'{"id": .5, "op": "hello"}',
            b'{"id": 1e, "op": "hello"}',
            b'{"id": -, "op": "hello"}',
            b'{"id": 1.5.5, "op": "hello"}',
            b'{"id": nul1.5, "op": "hello"}',
            b'{"id": NaN, "op": "hello"}',
            b'{"id": Infinity, "op": "hello"}',
            b'{"id": truex, "op": "hello"}',
            b'{"id": tru',
            b'{"id": 1, "op": "hel\tlo"}',
            b'{"id": 1, "op": "\\x41"}',
            b'{"id": 1, "op": "\\u12"}',
            b'{"id": 1, "op": "\\u12g4"}',
            b'{"id": 1, "op": "\\u+123"}',
            b'{"id": 1, "op": "\\',
            b'{"id": 1, "op": "hello\\"}',
            b'{"id": 1, "op": "\xff"}',
            b'{"id": 1, "op": "\xed\xa0\x80"}',
            b'{"id": 1, "op": "\xc0\x80"}',
            b'{"id": 1, "op": "\xf0\x9f\x98"}',
            b"\xef\xbb\xbf" + b'{"id": 1, "op": "hello"}',
            b"\x00",
            b'{"id": 1, "op": "hello"} // well',
            b"[" * 200_000,
            b'{"a":' * 200_000,
            b"[" * 100_000 + b"]" * 100_000,
        ],
        ids=lambda line: repr(line[:40]),
    )
    def test_lines_that_are_no_request(self, adapter: Adapter, line: bytes) -> None:
        reply = adapter.line(line)
        assert reply["id"] is None
        assert reply["error"]["code"] == "InvalidCommand"
        assert adapter.ask("hello")["hello"]

    def test_the_space_between_does_not_matter(self, adapter: Adapter) -> None:
        line = b' \t{ "op"\t: "nothing" , "deep" : [ [ ] , { } , [ 1 , -2.5e+3 ] ], "id" : 5 } \r'
        assert adapter.line(line)["id"] == 5

    def test_deep_in_an_argument(self, adapter: Adapter, workflow: str) -> None:
        # Forty is not deep; whoever can't follow two thousand says so, and lives.
        for depth, ids in ((40, [9]), (2_000, [9, None])):
            nested = "[" * depth + "]" * depth
            line = (
                f'{{"id": 9, "op": "exec", "workflow": "{workflow}", "command": "AppendPing",'
                f' "args": {{"code": {nested}, "message": ""}}}}'
            )
            reply = adapter.line(line.encode())
            assert reply["id"] in ids
            assert reply["error"]["code"] == "InvalidCommand"


class TestText:
    def tell(self, adapter: Adapter, workflow: str, message: str, code: str = "0") -> Any:
        """A ping whose message and code are written as they are given."""
        line = (
            f'{{"id": 1, "op": "exec", "workflow": "{workflow}", "command": "AppendPing",'
            f' "args": {{"code": {code}, "message": "{message}"}}}}'
        )
        return adapter.line(line.encode())

    @pytest.mark.parametrize(
        "message",
        [
            r"\ud800",
            r"\udfff",
            r"\uDBFF",
            r"a\ud83db",
            r"\ud83d\ud83d",
            r"\ud83d\n\ude00",
            r"\ude00\ud83d",
            r"\ud83d\ud83d\ude00",
            r"\ud83d\ude00\ude00",
            r"\ud83d\\ude00",
            r"\ud83dude00",
            r"\\\ud800",
            r"\ud800\u0041",
        ],
    )
    def test_an_unpaired_surrogate_is_refused(
        self, adapter: Adapter, reach: Callable[[str], str], message: str
    ) -> None:
        workflow = reach("Initialized")
        reply = self.tell(adapter, workflow, message)
        assert reply["id"] == 1
        assert reply["error"]["code"] == "InvalidCommand"
        assert adapter.find(workflow)["pings"] == []

    @pytest.mark.parametrize(
        ("written", "read"),
        [
            (r"\ud83d\ude00", "\U0001f600"),
            (r"\uD83D\uDE00", "\U0001f600"),
            (r"\ud83d\ude00\ud83d\ude00", "\U0001f600\U0001f600"),
            (r"\udbff\udfff", "\U0010ffff"),
            (r"\ud800\udc00", "\U00010000"),
            (r"\\ud800", r"\ud800"),
            (r"\\\\ud800", r"\\ud800"),
            (r"\ufffd", "\ufffd"),
            (r"\uffff\u0000", "\uffff\0"),
            (r"\"\\\/\b\f\n\r\t", '"\\/\b\f\n\r\t'),
            (r"\u00e9\u00E9", "éé"),
            ("\U0001f600 é \u2028\u2029\x7f\x85\ufeff", "\U0001f600 é \u2028\u2029\x7f\x85\ufeff"),
            ("<a>&'</a>", "<a>&'</a>"),
        ],
    )
    def test_any_other_survives(
        self, adapter: Adapter, reach: Callable[[str], str], written: str, read: str
    ) -> None:
        workflow = reach("Initialized")
        reply = self.tell(adapter, workflow, written)
        assert reply["ok"]["events"][0]["fields"]["status_message"] == read
        assert adapter.find(workflow)["pings"][0]["message"] == read

    def test_all_that_can_be_escaped(self, adapter: Adapter, reach: Callable[[str], str]) -> None:
        workflow = reach("Initialized")
        everything = "".join(map(chr, range(0x3000)))
        adapter.tell(workflow, "AppendPing", {"code": 0, "message": everything})
        assert adapter.find(workflow)["pings"][0]["message"] == everything

    @pytest.mark.parametrize("code", ["0", "-0", "-1", "2147483647", "-2147483648"])
    def test_codes(self, adapter: Adapter, reach: Callable[[str], str], code: str) -> None:
        workflow = reach("Initialized")
        assert self.tell(adapter, workflow, "", code)["ok"]
        found = adapter.find(workflow)["pings"][0]["code"]
        assert found == int(code)
        assert isinstance(found, int)

    @pytest.mark.parametrize("code", ["1e0", "1.0", "0.0", "1E2", "-0e0", "9" * 10_000])
    def test_codes_that_are_no_integers(
        self, adapter: Adapter, reach: Callable[[str], str], code: str
    ) -> None:
        reply = self.tell(adapter, reach("Initialized"), "", code)
        assert reply["id"] == 1
        assert reply["error"]["code"] == "InvalidCommand"

    def test_names_may_be_escaped_and_the_last_of_two_counts(
        self, adapter: Adapter, reach: Callable[[str], str]
    ) -> None:
        line = (
            f'{{"id": 1, "\\u006fp": "exec", "workflow": "{reach("Initialized")}",'
            ' "command": "AppendPing", "args": {"c\\u006fde": 7, "message": "", "message": "b"}}'
        )
        (event,) = adapter.line(line.encode())["ok"]["events"]
        assert event["fields"] == {"status_code": 7, "status_message": "b"}

    @pytest.mark.parametrize(
        "letter", ["a", "é", "\U0001f600", "\n", '"'], ids=["a", "e", "smile", "newline", "quote"]
    )
    @pytest.mark.parametrize("ascii", [True, False])
    def test_a_mebibyte(
        self, adapter: Adapter, reach: Callable[[str], str], letter: str, ascii: bool
    ) -> None:
        workflow = reach("Initialized")
        message = letter * (MIB // len(letter.encode()))
        args = {"code": 0, "message": message}
        keys = {"id": 1, "op": "exec", "workflow": workflow, "command": "AppendPing", "args": args}
        reply = adapter.line(json.dumps(keys, ensure_ascii=ascii).encode())
        assert reply["ok"]["events"][0]["fields"]["status_message"] == message
        assert adapter.find(workflow)["pings"][0]["message"] == message

    def test_a_thousand_pings(self, adapter: Adapter, reach: Callable[[str], str]) -> None:
        workflow = reach("Initialized")
        for number in range(1_000):
            adapter.tell(workflow, "AppendPing", {"code": number, "message": str(number)})
        pings = adapter.find(workflow)["pings"]
        assert [ping["code"] for ping in pings] == list(range(1_000))
        assert len(adapter.events(workflow)) == 1_001


class TestTalk:
    def test_hello(self, adapter: Adapter, language: str) -> None:
        hello = adapter.ask("hello", protocol=1, suite="1.0.0", chart="ping_registry", more=[1.5])
        assert hello == {
            "hello": {
                "implementation": "starter",
                "version": "0.1.0",
                "language": language,
                "protocol": 1,
                "chart_sha256": SHA256,
                "capabilities": ["versions", "retry", "delete", "multi_server"],
            }
        }

    def test_another_hash_is_not_refused(self, adapter: Adapter) -> None:
        assert adapter.ask("hello", protocol=1, chart_sha256="0" * 64)["hello"]

    @pytest.mark.parametrize("op", ["decode", "gc", "run", "crash", "dance", "", None, 7, [], {}])
    def test_what_is_not_claimed(self, adapter: Adapter, op: Any) -> None:
        assert adapter.ask(op)["unsupported"]["reason"]

    @pytest.mark.parametrize("op", ["exec", "find", "events"])
    @pytest.mark.parametrize("chart", ["ping_registry_index", "none", None, 7, []])
    def test_charts(self, adapter: Adapter, op: str, chart: Any, workflow: str) -> None:
        assert adapter.ask(op, chart=chart, workflow=workflow)["unsupported"]["reason"]

    def test_the_chart(self, adapter: Adapter, reach: Callable[[str], str]) -> None:
        workflow = reach("Initialized")
        assert adapter.find(workflow, chart="ping_registry")["state"] == "Initialized"

    @pytest.mark.parametrize("number", [0, -1, 1 << 40, "x", 'a "quoted" é \U0001f600', "\ud800"])
    def test_ids(self, adapter: Adapter, number: Any) -> None:
        reply = adapter.line(json.dumps({"id": number, "op": "hello"}).encode())
        # One that is no text can be told from one that is; only then it need not come back.
        assert reply["id"] == number or (number == "\ud800" and reply["id"] in (None, "\ufffd"))

    @pytest.mark.parametrize("number", ["1.5", "1e999", "null", "[1]", "{}", "9" * 4_000])
    def test_strange_ids_are_survived(self, adapter: Adapter, number: str) -> None:
        assert "hello" in adapter.line(b'{"op": "hello", "id": ' + number.encode() + b"}")

    def test_defaults(self, adapter: Adapter, reach: Callable[[str], str]) -> None:
        workflow = reach("Summarized")
        assert adapter.ask("exec", workflow=workflow, command="Commit")["events"]
        reply = adapter.ask("exec", workflow=str(uuid.uuid4()), command="Init")
        assert reply["error"]["code"] == "InvalidCommand"

    def test_nothing_is_answered_after_bye(self, language: str, built: Path) -> None:
        adapter = Adapter(language, built)
        adapter.requests.write(b'{"id": 1, "op": "bye"}\n{"id": 2, "op": "hello"}\n')
        adapter.requests.flush()
        assert json.loads(adapter.replies.readline()) == {"id": 1, "bye": {}}
        assert adapter.end() == 0

    def test_the_end_of_input_ends_it_too(self, language: str, built: Path) -> None:
        adapter = Adapter(language, built)
        adapter.requests.write(b'{"id": 1, "op": "hello"}')  # no newline
        adapter.requests.close()
        assert json.loads(adapter.replies.readline())["id"] == 1
        assert adapter.replies.read() == b""
        adapter.replies.close()
        assert adapter.process.wait() == 0


def test_it_conforms(language: str, built: Path) -> None:
    bound = "n+2" if EXHAUSTIVE else "n"
    conform = [sys.executable, "-m", "pingregistrywf", "conform", "--level", "1-3"]
    done = subprocess.run(
        [*conform, "--bound", bound, "--adapter", STARTERS[language].run],
        cwd=built,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"conforms: levels 1-3 at bound {bound}" in done.stdout


# How a command without arguments is declared, and how one with a bool.
FLAGS = {
    "python": ('"Commit": {}', '"Commit": {"sure": "bool"}'),
    "javascript": ("Commit: {}", "Commit: {sure: 'bool'}"),
    "java": ('"Commit", Map.of()', '"Commit", Map.of("sure", Protocol.Type.BOOL)'),
    "go": ('"Commit":       {}', '"Commit":       {"sure": "bool"}'),
    "rust": ('("Commit", &[])', '("Commit", &[("sure", Type::Bool)])'),
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("language", [each for each in FLAGS if each in BUILT])
def test_an_argument_may_be_a_bool(language: str, tmp_path: Path) -> None:
    edited, *_ = write(language, tmp_path, sha256=SHA256)
    text = edited.read_text(encoding="utf-8")
    assert FLAGS[language][0] in text
    edited.write_text(text.replace(*FLAGS[language]), encoding="utf-8")
    build(language, tmp_path)
    adapter = Adapter(language, tmp_path)
    for value, code in ((True, "StateConflict"), (False, "StateConflict"), (1, "InvalidCommand")):
        told = adapter.ask("exec", workflow=REGISTRY, command="Commit", args={"sure": value})
        assert told["error"]["code"] == code
    assert adapter.end() == 0


# A bug in what the team writes, and a print that it forgot.
BUGS = {
    "python": ("return list(HISTORIES.get(workflow, []))", "print('oh'); raise KeyError('oh no')"),
    "javascript": (
        "return histories.get(workflow) ?? [];",
        "console.log('oh'); throw new TypeError('oh no');",
    ),
    "java": (
        "return List.copyOf(HISTORIES.getOrDefault(workflow, List.of()));",
        'System.out.println("oh"); throw new IllegalStateException("oh no");',
    ),
    "go": (
        "return histories[workflow], nil",
        'println("oh"); return nil, errorOf("oh no")',
    ),
}


@pytest.mark.parametrize("language", [each for each in BUGS if each in BUILT])
def test_a_bug_of_the_implementation_is_told_and_survived(language: str, tmp_path: Path) -> None:
    edited, *_ = write(language, tmp_path, sha256=SHA256)
    before, after = BUGS[language]
    text = edited.read_text(encoding="utf-8")
    assert before in text
    text = text.replace(before, after)
    if language == "go":
        text += (
            "\ntype errorOf string\n\nfunc (text errorOf) Error() string { return string(text) }\n"
        )
    edited.write_text(text, encoding="utf-8")
    build(language, tmp_path)
    adapter = Adapter(language, tmp_path)
    error = adapter.ask("events", workflow=REGISTRY)["error"]
    assert (error["code"], error["definite"]) == ("Internal", False)
    assert "oh no" in error["message"]
    assert adapter.ask("hello")["hello"]
    assert adapter.end() == 0
