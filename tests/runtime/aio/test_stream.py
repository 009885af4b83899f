"""The tests of streams, on asyncio."""

import pytest

from .. import test_stream as blocking
from ..test_stream import *  # noqa: F403

pytestmark = pytest.mark.usefixtures("on_asyncio")


class TestTheEnd(blocking.TestTheEnd):
    test_nobody_holds_it = None  # streams here share a subscription
