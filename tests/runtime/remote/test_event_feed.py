"""The tests of the facades' feeds, on a service."""

import pytest

from ..test_event_feed import *  # noqa: F403

pytestmark = pytest.mark.exhaustive
