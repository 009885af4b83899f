"""The tests of streams, on a service."""

import pytest

from .. import test_stream as blocking
from ..test_stream import *  # noqa: F403

pytestmark = pytest.mark.exhaustive


class TestFromThePastIntoThePresent(blocking.TestFromThePastIntoThePresent):
    test_what_the_facade_knows_already_is_not_read = None  # the service reads for all


class TestTheEnd(blocking.TestTheEnd):
    test_the_journal_is_closed = None  # this journal alone is closed, and not the service's
