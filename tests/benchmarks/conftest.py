"""The site for the benchmark of its pages: the one that its tests read."""

from ..site.conftest import address, site

__all__ = ["address", "site"]
