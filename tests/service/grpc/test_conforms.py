"""The conformance suite through a service: another team's server can be put under test so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ...command_line import run
from .faulty import FAULTS, WAYS
from .processes import RUN, ServerProcess

DEVIATES, CANNOT_RUN, INCOMPLETE = 1, 2, 3
METHODS = ("--rpc", "2019")
FAULTY = (sys.executable, str(Path(__file__).with_name("faulty.py")))


def conform(
    *words: str, expected: int = 0, rpc: tuple[str, ...] = (), program: tuple[str, ...] = ()
) -> str:
    """Run the suite on a service that serves every registry."""
    with ServerProcess("memory:", registry="*", program=program) as server:
        adapter = " ".join([*RUN, "adapter", "--service", f"grpc://{server.address}", *rpc])
        done = subprocess.run(
            [*RUN, "conform", "--adapter", adapter, "--seed", "1", *words],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == expected, done.stdout + done.stderr
        return done.stdout


def test_a_few_cases() -> None:
    told = conform("--level", "2", "--only", "Delete.1", expected=INCOMPLETE)
    assert "6 passed" in told


def test_the_methods_of_the_2019_system() -> None:
    told = conform("--level", "2,6", rpc=METHODS)
    assert "level 2  versions         411 not claimed (" in told
    assert "level 6  several servers  66 passed, " in told
    assert "exec Init" in told
    assert "compared of a state: pings, summary, vid" in told
    last = told.splitlines()[-1]
    assert last.startswith("conforms: level 6 at bound n+2, 66 cases; not claimed: level 2, ")


@pytest.mark.exhaustive
@pytest.mark.parametrize("fault", [each for each in FAULTS if each not in WAYS])
def test_a_server_with_a_fault_is_found_by_the_methods_of_the_2019_system(fault: str) -> None:
    words = ("--level", "6", "--only", "*every request*", "-x")
    told = conform(*words, rpc=METHODS, program=(*FAULTY, fault), expected=DEVIATES)
    assert "deviates: 1 of" in told


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("--journal memory:", "--rpc 2019 asks a server: give --service grpcs://HOST:PORT"),
        (
            "--service grpc://127.0.0.1:1 --model chart.yaml",
            "--rpc 2019 is for the ping-registry charts: leave out --model",
        ),
        ("--service grpc://127.0.0.1:1", "no service answers at 127.0.0.1:1"),
    ],
)
def test_what_cannot_be_asked_by_the_methods_of_the_2019_system(words: str, reason: str) -> None:
    done = run("adapter", *METHODS, *words.split())
    assert (done.returncode, reason in done.stderr) == (CANNOT_RUN, True), done.stderr


@pytest.mark.exhaustive
def test_several_clients_of_one_service() -> None:
    told = conform("--level", "6")
    assert "conforms: level 6" in told
    assert "not claimed (crash, daemons, gc)" in told


@pytest.mark.soak(only=True)
def test_the_whole_suite() -> None:
    assert "conforms: levels 1-6" in conform()
