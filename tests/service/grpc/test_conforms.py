"""The conformance suite through a service: another team's server can be put under test so."""

from __future__ import annotations

import subprocess

import pytest

from .processes import RUN, ServerProcess

INCOMPLETE = 3


def conform(*words: str, expected: int = 0) -> str:
    """Run the suite on a service that serves every registry."""
    with ServerProcess("memory:", registry="*") as server:
        adapter = " ".join([*RUN, "adapter", "--service", f"grpc://{server.address}"])
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


@pytest.mark.exhaustive
def test_several_clients_of_one_service() -> None:
    told = conform("--level", "6")
    assert "conforms: level 6" in told
    assert "not claimed (crash, gc)" in told


@pytest.mark.soak(only=True)
def test_the_whole_suite() -> None:
    assert "conforms: levels 1-6" in conform()
