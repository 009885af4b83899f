"""The tests of keyed charts, on asyncio."""

import pytest

from .. import test_index as blocking  # noqa: F401 (on_asyncio looks there)
from ..test_index import *  # noqa: F403

pytestmark = [pytest.mark.usefixtures("on_asyncio"), pytest.mark.exhaustive]
