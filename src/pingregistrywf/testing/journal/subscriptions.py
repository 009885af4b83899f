"""The tests of subscriptions, which wake those who wait for a change."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

from pingregistrywf.runtime.journal import NO_HEAD, Journal
from pingregistrywf.testing.journal.opened import OpenedJournal
from pingregistrywf.testing.journal.writing import post, post_snapshot


class Subscriptions(OpenedJournal):
    """A subscription wakes its waiter, and is woken by nothing else."""

    def test_a_subscription_is_woken_by_its_history(self, journal: Journal) -> None:
        history = uuid4()
        with journal.subscribe(history) as one, journal.subscribe() as any_:
            assert not one.wait(0)
            assert not any_.wait(0)
            head, _ = post(journal, history, NO_HEAD)
            assert one.wait(0)
            assert any_.wait(0)
            journal.delete(history, head)
            assert one.wait(0)
            assert any_.wait(0)

    def test_a_subscription_to_all_names_what_changed(
        self, journal: Journal, second: Journal
    ) -> None:
        begun, deleted, untouched = uuid4(), uuid4(), uuid4()
        head, _ = post(journal, deleted, NO_HEAD)
        post(journal, untouched, NO_HEAD)
        with journal.subscribe() as any_:
            post(second, begun, NO_HEAD)
            journal.delete(deleted, head)
            named: set[UUID] = set()
            while not {begun, deleted} <= named:
                assert any_.wait(10)
                if any_.histories is None:  # the backend does not know
                    return
                named |= any_.histories
        assert untouched not in named

    def test_a_subscription_is_not_woken_by_others(self, journal: Journal) -> None:
        with journal.subscribe(uuid4()) as one:
            post(journal, uuid4(), NO_HEAD)
            assert not one.wait(0.1)

    def test_a_trim_wakes(self, journal: Journal) -> None:
        history = uuid4()
        head, _ = post(journal, history, NO_HEAD)
        post_snapshot(journal, history, head)
        with journal.subscribe(history) as one:
            assert journal.trim(history)
            assert one.wait(0)

    def test_a_waiting_thread_wakes(self, journal: Journal, second: Journal) -> None:
        history = uuid4()
        with ThreadPoolExecutor(2) as pool, journal.subscribe(history) as one:
            near = pool.submit(one.wait, 10)
            post(journal, history, NO_HEAD)
            assert near.result(timeout=10)
            while one.wait(0.1):  # spurious wake-ups are allowed, but they end
                pass
            far = pool.submit(one.wait, 10)
            post(second, history, second.read(history).head)
            assert far.result(timeout=10)

    def test_changes_of_a_turn_wake(self, journal: Journal) -> None:
        history = uuid4()
        with journal.subscribe(history) as one:
            with journal.exclusive(history):
                post(journal, history, NO_HEAD)
            assert one.wait(0)

    def test_closing_a_subscription_wakes_its_waiter(self, journal: Journal) -> None:
        subscription = journal.subscribe()
        with ThreadPoolExecutor(1) as pool:
            waiter = pool.submit(subscription.wait)
            time.sleep(0.02)
            subscription.close()
            subscription.close()
            assert waiter.result(timeout=10) is False
        post(journal, uuid4(), NO_HEAD)
        assert subscription.wait(0) is False
