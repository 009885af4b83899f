# Generated from chart ping_registry 1.0.0. Do not edit: change the chart.
"""The errors of chart ping_registry."""

from __future__ import annotations

from typing import Final

from pingregistrywf.runtime.errors import PACKAGE_ERRORS as BASE_ERRORS

PACKAGE_ERRORS: Final = (
    *BASE_ERRORS,
)
"""The errors that the facade raises."""


def is_package_error(err: BaseException | None) -> bool:
    """True for the errors that the facade raises, false for all else."""
    return isinstance(err, PACKAGE_ERRORS)
