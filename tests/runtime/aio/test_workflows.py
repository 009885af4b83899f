"""The tests of the facades, on asyncio."""

import pytest

from .. import test_workflows as blocking  # noqa: F401 (on_asyncio looks there)
from ..test_workflows import *  # noqa: F403

pytestmark = pytest.mark.usefixtures("on_asyncio")
