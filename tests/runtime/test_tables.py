"""Rows are flat, and hold values that every table knows."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

import pytest

from pingregistrywf import NO_VC, CmdInit, Workflows, open_journal, to_dicts


def test_events_and_states_become_rows() -> None:
    workflows, history, registry = Workflows(open_journal("memory:")), uuid4(), uuid4()
    workflows.init(history, CmdInit(registry_id=registry))
    vid = workflows.append_ping(history, NO_VC, 7, "ill")
    started, pinged = to_dicts(workflows.events(history))
    assert list(started) == ["event", "time", "id", "parent", "registry_id"]
    assert started["registry_id"] == str(registry)
    assert isinstance(started["time"], datetime)
    expected = {"event": "ServerPinged", "id": str(vid), "parent": started["id"]}
    expected |= {"status_code": 7, "status_message": "ill", "time": vid.time}
    assert pinged == expected
    state = workflows.find_id(history)
    ping = {"code": 7, "message": "ill", "event_id": str(vid)}
    assert to_dicts(state.pings) == [ping]
    (row,) = to_dicts([state])
    assert (row["id"], row["state_code"], row["pings"]) == (str(history), "Appending", [ping])
    assert row["summary_status.code"] == 0


@pytest.mark.parametrize("value", [1, "text", None, CmdInit])
def test_other_values_are_refused(value: object) -> None:
    with pytest.raises(TypeError, match="an event or a dataclass"):
        to_dicts([value])
