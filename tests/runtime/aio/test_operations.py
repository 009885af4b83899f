"""The tests of the operations, on asyncio."""

import pytest

from .. import test_operations as blocking  # noqa: F401 (on_asyncio looks there)
from ..test_operations import *  # noqa: F403

pytestmark = pytest.mark.usefixtures("on_asyncio")
