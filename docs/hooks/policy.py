"""The Content-Security-Policy of each page: no script runs but the site's files and the page's own.

Pages show what others wrote: pings in recorded runs, transcripts, errors.  If any of it ever became
markup, no script in it would run, and nothing could be sent to another host.  Styles may be inline,
since diagrams carry theirs.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

_HEAD: Final = "<head>"
_INLINE: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_RULES: Final = (
    "default-src 'none'",
    "script-src 'self' {}",
    "worker-src 'self'",  # the search
    "connect-src 'self'",  # its index, and links that are looked at before they are followed
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "frame-src 'self'",  # the explorer
    "base-uri 'none'",
    "form-action 'none'",
)


def with_policy(html: str) -> str:
    """Return a page with the policy that allows its own inline scripts, by their hashes."""
    digests = (hashlib.sha256(each.encode()).digest() for each in _INLINE.findall(html))
    sources = sorted({f"'sha256-{base64.b64encode(each).decode()}'" for each in digests})
    policy = "; ".join(_RULES).format(" ".join(sources))
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return html.replace(_HEAD, f"{_HEAD}\n    {meta}", 1)
