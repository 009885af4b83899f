"""The tests of keyed charts, on a service."""

import pytest

from ..test_index import *  # noqa: F403

pytestmark = pytest.mark.exhaustive

for _name in (  # races, attempts and costs inside an engine, which is where the journal is
    "test_a_command_costs_the_same_at_any_length",
    "test_a_snapshot_is_all_or_nothing",
    "test_the_loser_of_two_first_commands_gets_a_version_conflict",
    "test_the_loser_of_two_first_commands_retries",
):
    del globals()[_name]
