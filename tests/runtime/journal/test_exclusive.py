"""``exclusive`` keeps others out, which no contract asks for: both journals here do it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from pingregistrywf.runtime.journal import NO_HEAD
from pingregistrywf.testing.journal import post

from ..conftest import Open


def test_others_are_kept_out(opened: Open) -> None:
    journal, second = opened(), opened()
    order = []
    with ThreadPoolExecutor(1) as pool:
        with journal.exclusive(uuid4()):
            other = pool.submit(post, second, uuid4(), NO_HEAD)
            time.sleep(0.05)
            order.append(other.done())
        other.result(timeout=60)
    assert order == [False]
