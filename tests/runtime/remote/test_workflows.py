"""The tests of the facades, on a service."""

import pytest

from ..test_workflows import *  # noqa: F403

pytestmark = pytest.mark.exhaustive

for _name in (  # races, attempts and costs inside an engine, which is where the journal is
    "test_a_delete_that_wins_is_a_conflict_with_the_epoch",
    "test_a_delete_that_wins_is_read_again_under_retry",
    "test_a_failing_database_is_wrapped_and_not_retried",
    "test_a_race_after_an_old_cached_state_is_lost",
    "test_a_refusal_is_bare_on_every_attempt",
    "test_an_init_that_a_delete_beats",
    "test_delete_never_retries",
    "test_losing_the_race_with_a_version_is_a_conflict",
    "test_losing_the_race_without_version_check_is_a_conflict",
    "test_no_id_is_left",
    "test_reading_after_the_cached_state_reads_what_is_new",
    "test_six_attempts_in_all",
    "test_the_cache_forgets_without_harm",
    "test_the_loser_of_two_inits_when_the_workflow_has_advanced",
    "test_the_loser_of_two_inits_with_another_registry",
    "test_the_pause_between_attempts_is_drawn_up_to_five_milliseconds",
    "test_the_pause_is_random_unless_told",
):
    del globals()[_name]
