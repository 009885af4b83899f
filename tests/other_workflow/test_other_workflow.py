"""Another team's charts, written in YAML alone: generated, imported, run, drawn and checked."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import importlib
import pickle
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar
from uuid import UUID, uuid4, uuid5

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_tools import protoc

import pingregistrywf
from pingregistrywf import (
    EPOCH,
    NIL,
    NO_VC,
    RETRY_NO_VC,
    ArgumentNotIdempotentError,
    BehaviorError,
    CmdInit,
    CorruptedDataError,
    EventTypeError,
    InvalidCommandError,
    Journal,
    JournalError,
    MalformedEventError,
    NewEventsError,
    StateConflictError,
    Ulid,
    VersionConflictError,
    Workflows,
    open_journal,
)
from pingregistrywf._generated import ping_registry
from pingregistrywf.aio import AsyncJournal
from pingregistrywf.chart.ir import Model
from pingregistrywf.chart.lower import read_model
from pingregistrywf.generate import artefacts

from ..properties.driven import drive, opener
from ..tiers import EXHAUSTIVE

NAMES = ("split_repo.yaml", "leases.yaml", "split_repo_operations.yaml")
FILES = [Path(__file__).with_name(name) for name in NAMES]
PACKAGE = "packages_of_another_team"
REGISTRY = UUID("10000000-0000-4000-8000-000000000001")
ONE = Ulid((1).to_bytes(16, "big"))


@pytest.fixture(scope="module")
def model() -> Model:
    return read_model(FILES)


@pytest.fixture(scope="module")
def directory(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the packages were written."""
    place = tmp_path_factory.mktemp("other") / PACKAGE
    artefacts.write(artefacts.theirs(model), place)
    return place


@pytest.fixture(scope="module")
def packages(directory: Path) -> Iterator[Callable[[str], ModuleType]]:
    """Imports a generated package, beside this project's own."""
    sys.path.insert(0, str(directory.parent))
    yield lambda name: importlib.import_module(f"{PACKAGE}.{name}")
    sys.path.remove(str(directory.parent))
    for name in [each for each in sys.modules if each.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def split(packages: Callable[[str], ModuleType]) -> Any:
    return packages("split_repo")


@pytest.fixture(params=["memory", "sqlite"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    url = "memory:" if request.param == "memory" else f"sqlite:{tmp_path / 'both.db'}"
    with open_journal(url) as opened:
        yield opened


# --- The same property tests -----------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["memory", "sqlite"] if EXHAUSTIVE else ["memory"])
@pytest.mark.parametrize("name", ["split_repo", "leases"])
def test_random_commands(
    model: Model, packages: Callable[[str], ModuleType], name: str, kind: str, tmp_path: Path
) -> None:
    drive(getattr(packages(name), model.charts[name].facade), model, opener(kind, tmp_path))


# --- By hand ---------------------------------------------------------------------------------


def asked(split: Any, **changes: Any) -> Any:
    arguments = {
        "registry_id": REGISTRY,
        "repo_id": NIL,
        "path": "/a",
        "base_vid": EPOCH,
        "max_depth": 3,
        "dry_run": False,
    }
    return split.CmdInit(**{**arguments, **changes})


def lead(split: Any, repos: Any, state: str) -> UUID:
    """A workflow of its own, led to a state."""
    workflow = uuid4()
    repos.init(workflow, asked(split))
    ways: dict[str, list[Callable[[], Any]]] = {
        "Analyzed": [lambda: repos.post_analysis(workflow, NO_VC, 1, "found")],
        "Planned": [lambda: repos.accept_plan(workflow, NO_VC, ONE)],
        "Copying": [lambda: repos.start_copy(workflow, NO_VC)],
        "Verifying": [lambda: repos.finish_copy(workflow, NO_VC)],
    }
    if state != "Initialized":
        for name, steps in ways.items():
            for step in steps:
                step()
            if name == state:
                break
    return workflow


def test_what_is_allowed_and_why_not(split: Any, journal: Journal) -> None:
    repos, behavior = split.SplitRepos(journal), split.Behavior()
    state = repos.find_id(lead(split, repos, "Initialized"))
    assert str(state.state_code) == "Initialized"
    assert split.CmdPostAnalysis in state.allowed
    assert split.CmdStartCopy not in state.allowed
    # The chart has no words for this error.
    told = behavior.explain(state, split.CmdStartCopy())
    assert told.reason == "The command is not allowed in this state."
    told = behavior.explain(state, asked(split, path="/b"))
    assert isinstance(told.error, ArgumentNotIdempotentError)
    assert told.reason


def test_a_whole_workflow_beside_ping_registry(split: Any, journal: Journal) -> None:
    repos, workflows = split.SplitRepos(journal), Workflows(journal)
    workflow, ping = uuid4(), uuid4()
    first = repos.init(workflow, asked(split, dry_run=True))
    vid = workflows.init(ping, CmdInit(registry_id=REGISTRY))
    found = repos.post_analysis(workflow, first, -1, "found")
    vid = workflows.append_ping(ping, vid, 0, "well")
    repos.accept_plan(workflow, found, ONE)
    repos.start_copy(workflow, RETRY_NO_VC)
    repos.finish_copy(workflow, NO_VC)
    done = repos.succeed(workflow, NO_VC, "there it is")
    last = repos.end(workflow, done)
    state = repos.find_id(workflow)
    assert state == split.State(
        id=workflow,
        vid=last,
        state_code=split.StateCode.TERMINATED,
        registry_id=REGISTRY,
        path="/a",
        max_depth=3,
        is_dry_run=True,
        tool_id=UUID("538c7f96-b164-4f1b-97bb-9f4bb472e89f"),
        plan_id=ONE,
        found=state.found,
        final_outcome=split.Ending(0, "there it is", done),
    )
    assert list(state.found) == [split.Finding(-1, "found", False, found)]
    assert state.num_findings == 1
    assert int(state.state_code) == 20
    assert workflows.find_id(ping).vid == vid
    assert len(workflows.events(ping)) == 2
    assert len(repos.events(workflow)) == 7
    repos.delete(workflow, last)
    assert repos.events(workflow) == ()


def test_a_workflow_on_asyncio(
    split: Any, packages: Callable[[str], ModuleType], journal: Journal
) -> None:
    aio = packages("split_repo.aio")
    workflow = uuid4()

    async def main() -> list[str]:
        async with AsyncJournal(journal) as on:
            repos = aio.AsyncSplitRepos(on)
            first = await repos.init(workflow, asked(split, dry_run=True))
            with pytest.raises(StateConflictError):
                await repos.finish_copy(workflow, first)
            await repos.fail(workflow, first, 1, "no")
            await repos.end(workflow, NO_VC)
            state = await repos.find_id(workflow)
            assert state == split.SplitRepos(journal).find_id(workflow)
            assert state.final_outcome.message == "no"
            return [event.id async for event in repos.follow(workflow)]

    assert asyncio.run(main()) == [each.id for each in split.SplitRepos(journal).events(workflow)]


def test_neither_believes_the_others_history(split: Any, journal: Journal) -> None:
    repos, workflows = split.SplitRepos(journal), Workflows(journal)
    workflow, ping = uuid4(), uuid4()
    repos.init(workflow, asked(split))
    workflows.init(ping, CmdInit(registry_id=REGISTRY))
    for call in (lambda: repos.find_id(ping), lambda: workflows.find_id(workflow)):
        with pytest.raises(JournalError) as caught:
            call()
        assert isinstance(caught.value.err, CorruptedDataError)
        assert isinstance(caught.value.err.err, EventTypeError)


def test_two_messages_of_one_name_live_in_one_process(split: Any) -> None:
    assert split.DECLARATION.message == ping_registry.DECLARATION.message == "nogfso.WorkflowEvent"
    theirs = split.SplitFailed(status_code=5, status_message="x").marshal_proto()
    ours = pingregistrywf.ServerPinged(status_code=5, status_message="x").marshal_proto()
    assert theirs[2:] == ours[2:]
    with pytest.raises(EventTypeError) as caught:
        split.Event.unmarshal_proto(ours)
    assert caught.value.number == 112
    with pytest.raises(EventTypeError) as caught:
        pingregistrywf.Event.unmarshal_proto(theirs)
    assert caught.value.number == 126


def test_constants_of_every_type_are_emitted(split: Any, journal: Journal) -> None:
    repos, workflow = split.SplitRepos(journal), uuid4()
    vid = repos.init(workflow, asked(split))
    (event,) = repos.events(workflow)
    assert event == split.SplitRepoStarted(
        id=vid,
        parent=EPOCH,
        registry_id=REGISTRY,
        repo_id=NIL,
        path="/a",
        base_vid=EPOCH,
        max_depth=3,
        dry_run=False,
        format='split "v1" (a, {b \\ é',
        tool_id=UUID("538c7f96-b164-4f1b-97bb-9f4bb472e89f"),
        schema_id=Ulid.parse("01ARYZ6S2CDCQ8YBGT5CY4TQKF"),
        strict=True,
        revision=-3,
    )
    assert event.strict is True
    assert split.Event.unmarshal_proto(event.marshal_proto()) == event


def test_four_of_six_arguments_decide_idempotency(split: Any, journal: Journal) -> None:
    repos, workflow = split.SplitRepos(journal), uuid4()
    vid = repos.init(workflow, asked(split))
    assert repos.init(workflow, asked(split, max_depth=9, dry_run=True)) == vid
    for name, other, told in (
        ("registry_id", uuid4(), "RegistryId"),
        ("repo_id", uuid4(), "RepoId"),
        ("path", "/b", "Path"),
        ("base_vid", ONE, "BaseVid"),
    ):
        with pytest.raises(ArgumentNotIdempotentError) as caught:
            repos.init(workflow, asked(split, **{name: other}))
        assert caught.value.arg == told
    with pytest.raises(ArgumentNotIdempotentError) as caught:
        repos.init(workflow, asked(split, path="/b", base_vid=ONE))
    assert caught.value.arg == "Path"
    assert len(repos.events(workflow)) == 1
    assert repos.find_id(workflow).max_depth == 3


@pytest.mark.parametrize("state", ["Initialized", "Analyzed", "Planned", "Copying", "Verifying"])
def test_a_command_allowed_from_five_states(split: Any, journal: Journal, state: str) -> None:
    repos = split.SplitRepos(journal)
    workflow = lead(split, repos, state)
    assert repos.find_id(workflow).state_code.name == state.upper()
    vid = repos.fail(workflow, NO_VC, 7, "no space")
    failed = repos.find_id(workflow)
    assert failed.state_code is split.StateCode.FAILED
    assert failed.final_outcome == split.Ending(7, "no space", vid)


def test_a_noop_in_two_states(split: Any, journal: Journal) -> None:
    repos = split.SplitRepos(journal)
    workflow = lead(split, repos, "Planned")
    vid = repos.fail(workflow, NO_VC, 7, "no space")
    assert repos.fail(workflow, vid, 8, "again") == vid
    vid = repos.end(workflow, vid)
    assert repos.fail(workflow, vid, 8, "again") == vid
    assert repos.find_id(workflow).final_outcome.code == 7


def test_an_error_of_its_own_for_one_cell(split: Any, journal: Journal) -> None:
    repos = split.SplitRepos(journal)
    workflow = lead(split, repos, "Initialized")
    before = repos.find_id(workflow)
    with pytest.raises(split.PlanTooEarlyError) as caught:
        repos.accept_plan(workflow, before.vid, ONE)
    error = caught.value
    assert (error.plan_id, error.advice) == (ONE, "analyze first")
    assert error == split.PlanTooEarlyError(ONE, "analyze first")
    assert isinstance(error, BehaviorError)
    assert split.is_package_error(error)
    assert not pingregistrywf.is_package_error(error)
    assert str(ONE) in str(error)
    assert "analyze first" in str(error)
    assert "\n" not in str(error)
    assert pickle.loads(pickle.dumps(error)) == error
    assert repos.find_id(workflow) == before
    with pytest.raises(StateConflictError):
        repos.accept_plan(lead(split, repos, "Planned"), NO_VC, ONE)


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        ("", "SplitCompleted"),
        ("d00400", "SplitCompleted"),
        ("d00401d00400", "SplitCompleted"),
        ("d0048080808010", "SplitCompleted"),  # 2**32 is truncated to 32 bits
        ("d00401", "SplitFailed"),
        ("d004ffffffffffffffffff01", "SplitFailed"),
        ("d00400d00405", "SplitFailed"),
    ],
)
def test_events_of_one_number_are_told_apart(split: Any, tail: str, expected: str) -> None:
    event = split.Event.unmarshal_proto(bytes.fromhex("087e" + tail))
    assert type(event).__name__ == expected
    assert split.Event.unmarshal_proto(event.marshal_proto()) == event


def test_the_other_ones_code_is_refused(split: Any) -> None:
    with pytest.raises(MalformedEventError):
        split.SplitCompleted(status_code=1)
    with pytest.raises(MalformedEventError):
        split.SplitFailed(status_code=0)
    with pytest.raises(MalformedEventError):
        split.SplitFailed()
    with pytest.raises(InvalidCommandError):
        split.CmdFail(code=0, message="")


def test_a_dodged_command_makes_no_event_of_the_other_form(split: Any) -> None:
    state = split.State(uuid4(), ONE, split.StateCode.VERIFYING)
    for code in (5, 0):
        dodged = split.CmdFail.model_construct(code=code, message="")
        if code:
            (failed,) = split.Behavior().tell(state, dodged)
            assert failed.status_code == code
        else:
            with pytest.raises(NewEventsError):
                split.Behavior().tell(state, dodged)


def test_a_required_id(split: Any) -> None:
    with pytest.raises(MalformedEventError):
        split.Event.unmarshal_proto(bytes.fromhex("087b"))


def test_values_pickle_and_copy(split: Any, journal: Journal) -> None:
    repos = split.SplitRepos(journal)
    workflow = lead(split, repos, "Verifying")
    for value in (repos.find_id(workflow), *repos.events(workflow), asked(split)):
        assert pickle.loads(pickle.dumps(value)) == value
        assert copy.deepcopy(value) == value
        assert hash(copy.deepcopy(value)) == hash(value)
    assert dataclasses.is_dataclass(split.State)


# --- What else is generated ------------------------------------------------------------------


def test_what_was_written_is_checked(model: Model, directory: Path, tmp_path: Path) -> None:
    assert artefacts.check(artefacts.theirs(model), directory) == []
    made = artefacts.theirs(read_model(FILES))
    assert made == artefacts.theirs(model)
    assert artefacts.write(made, directory) == []
    place = tmp_path / "copy"
    artefacts.write(made, place)
    chart = place / "split_repo" / "chart.json"
    chart.write_bytes(chart.read_bytes().replace(b"Init.2", b"Init.1"))
    (place / "leases" / "leases.proto").unlink()
    (place / "leases" / "more.py").touch()
    found = {each.path.name for each in artefacts.check(made, place)}
    assert found == {"chart.json", "leases.proto", "more.py"}


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pingregistrywf", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.exhaustive
def test_the_command_line_writes_the_same(directory: Path, tmp_path: Path) -> None:
    place = tmp_path / PACKAGE
    arguments = ["generate", *(word for file in FILES for word in ("--model", file))]
    arguments += ["--package", place]
    written = run(*arguments)
    assert (written.returncode, written.stderr) == (0, "")
    found = contents(place)
    assert found.pop("split_repo/suite.txt").count(b"\n1-") > 5000  # the suite's manifest
    assert found == contents(directory)
    assert run(*arguments, "--check").returncode == 0
    (place / "split_repo" / "commands.py").write_text("", encoding="utf-8")
    drifted = run(*arguments, "--check")
    assert drifted.returncode == 1
    assert "commands.py" in drifted.stdout + drifted.stderr


def contents(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


@pytest.mark.parametrize("name", ["split_repo", "leases"])
def test_the_diagrams_are_drawn(model: Model, directory: Path, name: str) -> None:
    drawn = ElementTree.parse(directory / name / f"{name}.svg").getroot()
    assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
    told = " ".join(drawn.itertext())
    mermaid = (directory / name / f"{name}.mmd").read_text(encoding="utf-8")
    assert "stateDiagram" in mermaid
    chart = model.charts[name]
    moving = {cell.command for cell in chart.moves()}
    for each in (*chart.states, *moving):
        assert each in told
        assert each in mermaid


@pytest.mark.parametrize("name", ["split_repo", "leases"])
def test_the_proto_is_what_the_descriptor_says(directory: Path, name: str, tmp_path: Path) -> None:
    made = tmp_path / "made.binpb"
    arguments = [f"-I{directory / name}", f"--descriptor_set_out={made}"]
    assert protoc.main(["protoc", *arguments, str(directory / name / f"{name}.proto")]) == 0
    theirs = FileDescriptorSet.FromString(made.read_bytes())
    ours = FileDescriptorSet.FromString((directory / name / "descriptor.binpb").read_bytes())
    assert ours == theirs


@pytest.mark.parametrize("name", ["split_repo", "leases"])
def test_the_library_writes_the_same_bytes(
    packages: Callable[[str], ModuleType], name: str
) -> None:
    package = packages(name)
    declaration = package.DECLARATION
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(declaration.descriptor).file:
        pool.Add(file)
    message = GetMessageClass(pool.FindMessageTypeByName(declaration.message))
    for text, number, other in [("a", 1, NIL), ("é" * 100, -(2**31), REGISTRY), ("", 128, NIL)]:
        values = {"int32": number, "string": text, "uuid": other, "ulid": ONE, "bool": text == "a"}
        for kind, known in declaration.by_event.items():
            fields = {each: values[field.type] for each, field in known.fields.items()}
            fields |= {each: number if nonzero else 0 for each, nonzero in known.when.items()}
            if known.listing:
                carried = {each: values[its] for each, its in known.listing.values.items()}
                attributes = {declaration.attribute(each): carried[each] for each in carried}
                code = package.StateCode.BROKEN if text else package.StateCode.HELD
                fields[known.listing.name] = (package.Entry(**attributes, state_code=code),) * 2
            event = kind(id=ONE, **fields)
            data = event.marshal_proto()
            assert message.FromString(data).SerializeToString(deterministic=True) == data
            assert package.Event.unmarshal_proto(data) == event


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.xdist_group("mypy")
def test_mypy_accepts_the_packages(directory: Path, tmp_path: Path) -> None:
    user = tmp_path / "user.py"
    user.write_text(
        f"""\
from uuid import UUID
from pingregistrywf import Ulid, open_journal
from pingregistrywf.aio import AsyncJournal
from {PACKAGE} import leases, split_repo
from {PACKAGE}.split_repo.aio import AsyncSplitRepos


async def use_on_asyncio(journal: AsyncJournal, workflow: UUID) -> str:
    async for event in AsyncSplitRepos(journal).follow(workflow):
        return str(event.id)
    state: split_repo.State = await AsyncSplitRepos(journal).find_id(workflow)
    return state.final_outcome.message


def use(workflow: UUID) -> tuple[Ulid, str, bool, int]:
    repos = split_repo.SplitRepos(open_journal("memory:"))
    vid: Ulid = repos.fail(workflow, repos.find_id(workflow).vid, 1, "no")
    state: split_repo.State = repos.find_id(workflow)
    held = leases.Leases(open_journal("memory:")).find_id(workflow).entries["a"]
    return vid, state.final_outcome.message, state.is_dry_run, held.held_since
""",
        encoding="utf-8",
    )
    checked = subprocess.run(
        [
            sys.executable,
            *("-m", "mypy", "--strict", "--config-file=", f"--cache-dir={tmp_path / 'cache'}"),
            *(str(directory), str(user)),
        ],
        cwd=directory.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_code_is_clean(directory: Path) -> None:
    rules = "E,F,W,I,UP,B"
    arguments = ["check", "--isolated", "--no-cache", "--select", rules, "--line-length", "100"]
    arguments += ["--config", 'lint.isort.known-third-party = ["pyrsistent"]']
    arguments += ["--config", 'lint.isort.known-first-party = ["pingregistrywf"]']
    checked = subprocess.run(
        [sys.executable, "-m", "ruff", *arguments, str(directory)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


# --- Operations ------------------------------------------------------------------------------


class Between:
    """An observer that does something once, before the second step of an operation."""

    act: Callable[[], object] | None = None

    def before(self, operation: object, number: int) -> None:
        if number == 2 and self.act is not None:
            act, self.act = self.act, None
            act()

    def after(self, operation: object, number: int) -> None:
        pass


class TestOperations:
    INPUTS: ClassVar[dict[str, Any]] = {
        "site": "NORTH/OSLO",
        "path": "/a",
        "depth": 3,
        "dry_run": False,
    }

    @pytest.fixture
    def between(self) -> Between:
        return Between()

    @pytest.fixture
    def run(self, packages: Callable[[str], ModuleType], between: Between) -> Callable[..., Any]:
        """Runs an operation on what somebody outside gives."""
        package = packages("split_repo_operations")
        journal = open_journal("memory:")
        operations = package.Operations(journal, observers=[between])

        def run(name: str, **inputs: Any) -> Any:
            operation = package.OPERATIONS[name]
            return operations.run(operation, operation.resolve(inputs))

        return run

    def test_a_name_gives_the_ids(self, run: Callable[..., Any]) -> None:
        workflow = uuid4()
        ran = run("ask", workflow=workflow, **self.INPUTS)
        asked, taken = ran.events
        namespace = UUID("7e1bd3a4-5a2e-4a53-8c0c-0d9a2f1e6b11")
        assert asked.registry_id == uuid5(namespace, "registry/NORTH/OSLO")
        assert (taken.name, taken.holder, taken.since) == ("/a", workflow, 3)

    def test_a_name_that_breaks_its_rule_is_refused(self, run: Callable[..., Any]) -> None:
        with pytest.raises(InvalidCommandError, match="'oslo' is not the name of a site"):
            run("ask", workflow=uuid4(), **self.INPUTS | {"site": "oslo"})

    def test_inputs_are_neither_missing_nor_unknown(self, run: Callable[..., Any]) -> None:
        with pytest.raises(InvalidCommandError, match="ask takes workflow, site, path"):
            run("ask", **self.INPUTS)
        with pytest.raises(InvalidCommandError, match="tidy takes site"):
            run("tidy", site="NORTH/OSLO", workflow=uuid4())

    @pytest.mark.parametrize(("path", "taken"), [("/b", True), ("/a", False)])
    def test_a_later_step_without_a_vid_expects_its_entry_unchanged(
        self, run: Callable[..., Any], between: Between, path: str, taken: bool
    ) -> None:
        """Another split takes a lease and lets go of it: of another directory, or of the same."""

        def meanwhile() -> None:
            other = uuid4()
            run("ask", workflow=other, **self.INPUTS | {"path": path})
            run("give_up", workflow=other, site="NORTH/OSLO", path=path, why="no room")

        between.act = meanwhile
        if taken:
            ran = run("ask", workflow=uuid4(), **self.INPUTS)
            assert type(ran.events[-1]).__name__ == "LeaseTaken"
        else:
            with pytest.raises(JournalError) as caught:
                run("ask", workflow=uuid4(), **self.INPUTS)
            assert isinstance(caught.value.err, VersionConflictError)
            assert caught.value.err.expected == EPOCH

    def test_a_refused_step_has_a_vid_for_those_after_it(self, run: Callable[..., Any]) -> None:
        workflow = uuid4()
        run("ask", workflow=workflow, **self.INPUTS)
        given = {"workflow": workflow, "site": "NORTH/OSLO", "path": "/a", "why": "no room"}
        first, again = run("give_up", **given), run("give_up", **given)
        assert [type(each).__name__ for each in first.events] == [
            *("LeaseBroken", "SplitFailed", "LeaseReturned"),
        ]
        assert not again.events
        assert set(again.refused) == {1}
        assert again.vids == {1: first.vids[3], 2: first.vids[2], 3: first.vids[3]}
