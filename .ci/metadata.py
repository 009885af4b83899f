"""The package's README as an index shows it: each link leads to the project's address.

Hatchling calls this hook when it builds.  The address is ``Source`` of ``[project.urls]``, which is
written nowhere else.  A file is linked as of the version's own tag, so that the page of an old
version keeps the links that it was published with.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"(!?)(\[[^\]]*\])\((?![a-z]+:|#)([^)\s]+)\)")
"""A link of Markdown, or a picture, to a file of the source tree."""


class PublishedReadme(MetadataHookInterface):
    """Sets ``readme`` to the text of README.md with absolute links."""

    def update(self, metadata: dict[str, Any]) -> None:
        address, tag = metadata["urls"]["Source"], f"v{metadata['version']}"

        def absolute(link: re.Match[str]) -> str:
            mark, name, file = link.groups()
            return f"{mark}{name}({address}/{'raw' if mark else 'blob'}/{tag}/{file})"

        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": LINK.sub(absolute, text),
        }
