"""The tests of the feeds of facades, on asyncio."""

import pytest

from .. import test_event_feed as blocking  # noqa: F401 (on_asyncio looks there)
from ..test_event_feed import *  # noqa: F403

pytestmark = pytest.mark.usefixtures("on_asyncio")

test_a_journal_may_have_no_feed = None  # an AsyncJournal has one
