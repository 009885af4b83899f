"""Another team's service: declared in YAML, generated, and served, with no line of Python."""

from __future__ import annotations

import asyncio
import shlex
from itertools import chain
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from pingregistrywf import NO_VC, JournalError, open_journal
from pingregistrywf.chart.lower import read_model
from pingregistrywf.generate.imported import imported

from ...command_line import run
from .processes import ServerProcess
from .serving import refused, serving
from .tokens import authenticator, token

FILES = sorted((Path(__file__).parents[2] / "other_workflow").glob("*.yaml"))


def test_it_is_served() -> None:
    packages = imported(read_model(FILES))
    service = packages["split_repo_service"].SERVICE
    splits = packages["split_repo"]
    split = uuid4()

    async def session() -> None:
        with open_journal("memory:") as journal:
            operations = packages["split_repo_operations"].Operations(journal)
            async with serving(service, journal, ("HERE/NOW", "FAR/AWAY"), operations) as (call, _):
                asked = await call("Ask", site="HERE/NOW", split=split.bytes, path="/a", levels=3)
                state = splits.SplitRepos(journal).find_id(split)
                assert asked.version == state.vid.bytes
                assert (state.path, state.max_depth) == ("/a", 3)
                assert len(asked.leases) == 16

                found = await call("GetSplit", split=split.bytes)
                assert found.outcome.why == "nobody has looked"
                waiting = asyncio.ensure_future(call("GetSplit", split=split.bytes, patience=4))
                (reply,) = await call.all("SplitEvents", site="HERE/NOW", split=split.bytes)
                assert [each.event for each in reply.events] == [121]
                foreign = call.all("SplitEvents", site="FAR/AWAY", split=split.bytes)
                answer = await refused(foreign)
                assert (answer.code, answer.text) == (
                    "PERMISSION_DENIED",
                    "the split is of another site",
                )
                splits.SplitRepos(journal).post_analysis(split, NO_VC, 1, "odd")
                assert not waiting.done()
                # The site is found in the history of the split.
                await call("GiveUp", split=split.bytes, path="/a", why="no time")
                over = await waiting
                assert over.outcome.why == "no time"
                assert [each.what for each in over.findings] == ["odd"]
                assert UUID(bytes=split.bytes) == split

                answer = await refused(call("Ask", site="here", split=split.bytes, path="/a"))
                assert answer.code == "INVALID_ARGUMENT"
                answer = await refused(call("GiveUp", split=uuid4().bytes, path="/a", why="x"))
                assert answer.code == "NOT_FOUND"

    asyncio.run(session())


def test_its_roles(tmp_path: Path) -> None:
    packages = imported(read_model(FILES))
    service = packages["split_repo_service"].SERVICE
    here, there = uuid4(), uuid4()

    async def session() -> None:
        with open_journal("memory:") as journal:
            operations = packages["split_repo_operations"].Operations(journal)
            names = ("HERE/NOW", "FAR/AWAY")
            checked = authenticator(tmp_path)
            async with serving(service, journal, names, operations, None, checked) as (call, _):
                call.token = token(owner=["HERE/*"], onlooker=["FAR/AWAY"])
                await call("Ask", site="HERE/NOW", split=here.bytes, path="/a")
                asked = call("Ask", site="FAR/AWAY", split=there.bytes, path="/a")
                answer = await refused(asked)
                assert answer.text == "default deny: the role needed on FAR/AWAY is owner"
                for denied in (
                    call("GetSplit", split=here.bytes),
                    # A method without roles is for nobody.
                    call("GiveUp", split=here.bytes, path="/a", why="no time"),
                    call.all("SplitEvents", site="FAR/AWAY", split=there.bytes),
                ):
                    assert (await refused(denied)).code == "PERMISSION_DENIED"
                assert (await refused(call("GetSplit", split=there.bytes))).code == "NOT_FOUND"

    asyncio.run(session())


@pytest.mark.slow
def test_the_command_serves_it(tmp_path: Path) -> None:
    packages = imported(read_model(FILES))
    model = [*chain.from_iterable(("--model", str(each)) for each in FILES)]
    url, place = f"sqlite:{tmp_path / 'splits.db'}", tmp_path / "dev"
    split = uuid4()
    options = (*model, "--dev", str(place))
    with ServerProcess(url, *options, registry="HERE/NOW") as server:
        assert server.process.stdout is not None
        lines = [server.process.stdout.readline() for _ in range(6)]
        owner, onlooker = (shlex.split(lines[each])[-1] for each in (1, 3))
        with open_journal(url) as journal:
            operations = packages["split_repo_operations"].Operations(journal)
            asked = {"path": "/a", "depth": 3, "dry_run": False}
            asked |= {"site": "HERE/NOW", "workflow": split}
            operations.run_from(operations.declared["ask"], asked)
        with open_journal(owner) as journal:
            packages["split_repo"].SplitRepos(journal).post_analysis(split, NO_VC, 1, "odd")
        with open_journal(onlooker) as journal:
            splits = packages["split_repo"].SplitRepos(journal)
            state = splits.find_id(split)
            assert (state.path, [each.message for each in state.found]) == ("/a", ["odd"])
            with pytest.raises(JournalError, match="default deny"):
                splits.post_analysis(split, NO_VC, 1, "odd")
        inspected = run(*shlex.split(lines[5])[1:])
        assert inspected.stdout.endswith("taken  owner of HERE/NOW\n"), inspected.stderr
