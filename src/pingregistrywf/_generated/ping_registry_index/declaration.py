# Generated from chart ping_registry_index 1.0.0. Do not edit: change the chart.
"""Chart ping_registry_index, as data that the run time interprets."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pingregistrywf.runtime.json_forms import forms_of
from pingregistrywf.runtime.loading import load
from pingregistrywf.runtime.wire import codec_of

from . import commands, errors, events, states

DECLARATION: Final = load(
    Path(__file__).parent, commands=commands, errors=errors, events=events, states=states
)
"""The chart."""

events.Event.codec = codec_of(DECLARATION)
events.Event.forms = forms_of(DECLARATION)
states.StateCode.names = DECLARATION.state_names
states.Entry.allowed_in = DECLARATION.allowed
