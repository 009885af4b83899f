"""The tests of the facades, on a service and on asyncio."""

import pytest

from .. import test_workflows as blocking  # noqa: F401 (on_asyncio looks there)
from ..aio.conftest import loop, on_asyncio  # noqa: F401
from .test_workflows import *  # noqa: F403

pytestmark = [pytest.mark.usefixtures("on_asyncio"), pytest.mark.soak(only=True)]
