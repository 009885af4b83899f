"""The rules that hold for every chart, and that no chart has to name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

GENERAL: Final[Mapping[str, str]] = {
    "otherwise": "No rule of the chart allows the command in this state.",
    "Deleted": "A deleted history reads as empty; its id cannot be used again until it is free.",
    "version": "A vid must equal the head. The version is checked before the state.",
    "invalid": "Malformed arguments are refused before version and state are looked at.",
    "find": "What is found, and what is read, is what was appended.",
    "wire": "An event's bytes are those that the chart's wire numbers give.",
    "decode": "Any bytes give an event or a typed error.",
    "garbage": "The id of a deleted history is free once its mark has been removed, not earlier.",
    "race": "Each command of a race that was acknowledged is in the history exactly once.",
    "operation": "An operation of several steps may be interrupted between any two, and run again.",
    "ping": "A server posts the next of its pings that the history does not hold.",
    "gather": "A gatherer posts pings until it is time, and then a summary of all.",
    "collect": "A collector does what is due to what is older than a limit, and not as old.",
    "again": "An operation whose work an earlier run has done succeeds, and writes nothing.",
}
"""The rules that hold for every chart, with their prose."""
