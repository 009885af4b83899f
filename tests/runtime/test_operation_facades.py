"""Operations and the facades through which they run."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from pingregistrywf import Journal, Operations, Ulid, UlidSource, WorkflowIndexes, Workflows
from pingregistrywf._generated import ping_registry_index as index

REGISTRY = UUID("10000000-0000-4000-8000-000000000001")
INDEX = UUID("20000000-0000-4000-8000-000000000002")


def test_operations_need_a_journal_alone(journal: Journal, ids: UlidSource) -> None:
    drawn: list[Ulid] = []

    class Noted:
        def next(self, after: Ulid) -> Ulid:
            drawn.append(ids.next(after))
            return drawn[-1]

    operations = Operations(journal, ids=Noted())
    workflow = uuid4()
    ran = operations.begin(workflow, INDEX, REGISTRY)
    assert [each.id for each in ran.events] == drawn
    vid = operations.ping(workflow, 0, "well").by_chart["ping_registry"]
    assert operations.facade(Workflows).find_id(workflow).vid == vid
    assert Workflows(journal).find_id(workflow).vid == vid
    assert operations.facade(WorkflowIndexes).find_id(INDEX).in_state(index.StateCode.ACTIVE)


def test_operations_run_through_the_facades_that_they_are_on(journal: Journal) -> None:
    workflows, indexes = Workflows(journal), WorkflowIndexes(journal)
    operations = Operations.on([workflows, indexes])
    assert operations.facade(Workflows) is workflows
    assert operations.facade(WorkflowIndexes) is indexes


def test_a_facade_of_another_chart(journal: Journal) -> None:
    class Others(WorkflowIndexes):
        pass

    with pytest.raises(LookupError, match="Others"):
        Operations(journal).facade(Others)
