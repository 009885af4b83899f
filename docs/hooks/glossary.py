"""Words of the glossary: places to link to, and on other pages a link where each is first used.

Words that everybody knows, such as *event*, are in the glossary and are not linked: a page with a
link in every line is hard to read.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from posixpath import relpath
from typing import Final

PAGE: Final = "glossary.md"
_TERM: Final = re.compile(r"^(?P<term>\S.*)\n:   ", re.MULTILINE)
_PLAIN: Final = frozenset(
    {"chart", "command", "conformance", "event", "index", "journal", "operation", "ping"}
    | {"registry", "state", "workflow"}
)
_UNLINKED: Final = ("reference/", PAGE, "changelog.md")
"""Pages that are looked up rather than read, as the reference, have no such links."""
_FENCE: Final = re.compile(r"^ *(```|~~~)")
_ASIDE: Final = re.compile(
    r"(`+[^`]*`+|!?\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\])?(?:\{[^}]*\})?|<[^>]*>)"
)
"""What has no link in it: code, links, pictures and tags."""


def slug(term: str) -> str:
    """Return the name of a term's place on the page."""
    return term.lower().replace(" ", "-")


def with_places(markdown: str) -> str:
    """Return the glossary with a place at each term."""
    return _TERM.sub(lambda found: f"{found['term']} {{ #{slug(found['term'])} }}\n:   ", markdown)


@cache
def _linked_terms() -> dict[str, re.Pattern[str]]:
    text = (Path(__file__).parents[1] / PAGE).read_text(encoding="utf-8")
    terms = [found["term"] for found in _TERM.finditer(text)]
    return {
        slug(term): re.compile(rf"(?<![\w/*-])\*?{re.escape(term)}s?\*?(?![\w/-])", re.IGNORECASE)
        for term in terms
        if slug(term) not in _PLAIN
    }


def linked(markdown: str, page: str) -> str:
    """Return a page with a link to the glossary where it uses each term for the first time.

    Args:
        markdown: the page.
        page: its path below the directory of the pages.
    """
    if page.startswith(_UNLINKED):
        return markdown
    glossary = relpath(PAGE, start=str(Path(page).parent))
    left = dict(_linked_terms())
    lines = []
    fenced = False
    for line in markdown.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        is_prose = not (fenced or line.startswith(("#", "    ", "<", "|")))
        lines.append(_with_links(line, glossary, left) if is_prose else line)
    return "\n".join(lines)


def _with_links(line: str, glossary: str, left: dict[str, re.Pattern[str]]) -> str:
    parts = _ASIDE.split(line)
    for name, pattern in list(left.items()):
        for number in range(0, len(parts), 2):
            found = pattern.search(parts[number])
            if found:
                before, after = parts[number][: found.start()], parts[number][found.end() :]
                link = f"[{found[0]}]({glossary}#{name}){{ .term }}"
                parts[number : number + 1] = [before, link, after]
                del left[name]
                break
    return "".join(parts)
