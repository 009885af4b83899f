# Generated from service ping_registry_service. Do not edit: change the model.
"""The ping-registry service, as ``pingregistrywf serve`` answers for it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pingregistrywf.runtime.services import Service, load_service

from ..ping_registry_operations import Operations

SERVICE: Final[Service] = load_service(Path(__file__).parent, Operations)
"""What each method is about."""
