"""The tests of the operations, on a service, which runs the steps itself."""

import pytest

from ..test_operations import *  # noqa: F403

pytestmark = pytest.mark.exhaustive

for _name in (  # what observers are told of, and do, between the steps
    "test_an_observer_is_told_of_each_step",
    "test_an_observer_is_told_where_a_refusal_stops",
    "test_every_observer_is_told_in_order",
    "test_interrupted_anywhere_and_run_again",
    "test_the_end_has_the_version_of_the_completion",
):
    del globals()[_name]
