"""Every link of the built site leads somewhere, and nothing is loaded from elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from pingregistrywf.chart.locate import load_model

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("site")]

MODEL = load_model()
# What only names a place, and is not loaded by itself.
NAMED = {("a", "href"), ("form", "action")}
REL_NAMED = {"canonical", "next", "prev", "edit"}


@dataclass
class Read(HTMLParser):
    """What a page refers to, and the places in it."""

    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.ids += [known[name] or "" for name in ("id", "name") if known.get(name)]
        for name in ("href", "src", "data", "action", "poster"):
            target = known.get(name)
            if target is None or (name == "data" and tag != "object"):
                continue
            named = (tag, name) in NAMED or (tag == "link" and known.get("rel") in REL_NAMED)
            (self.links if named else self.loads).append(target)


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Read]:
    read = {}
    for path in site.rglob("*.html"):
        read[path] = page = Read()
        page.feed(path.read_text(encoding="utf-8"))
    return read


def test_every_page_of_the_sources_is_there(site: Path) -> None:
    docs = Path(__file__).parents[2] / "docs"
    for source in docs.rglob("*.md"):
        assert (site / source.relative_to(docs)).with_suffix(".html").is_file()
    assert (site / "explorer" / "index.html").is_file()


def test_every_link_and_anchor_leads_somewhere(site: Path, pages: dict[Path, Read]) -> None:
    broken = []
    for path, page in pages.items():
        for link in page.links + page.loads:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            # The page for what is not found is served from anywhere, so its links are absolute.
            base = site if path.name == "404.html" else path.parent
            target = (base / unquote(parts.path).lstrip("/")) if parts.path else path
            target = target.resolve()
            if target.is_dir():
                target /= "index.html"
            if not target.is_file():
                broken.append((path.name, link))
                continue
            if parts.fragment.startswith("state."):
                _, chart, state, *command = parts.fragment.removesuffix(".other").split(".")
                known = MODEL.charts[chart]
                if state not in known.columns or not known.commands.keys() >= set(command):
                    broken.append((path.name, link))
                continue
            if parts.fragment.startswith("operation."):
                _, name, operation = parts.fragment.split(".")
                if operation not in MODEL.operations[name].operations:
                    broken.append((path.name, link))
                continue
            if parts.fragment and unquote(parts.fragment) not in pages[target].ids:
                broken.append((path.name, link))
    assert broken == []


def test_no_id_stands_twice(pages: dict[Path, Read]) -> None:
    for path, page in pages.items():
        ids = [each for each in page.ids if each.startswith(("ping_registry", "Chart-", "commit-"))]
        assert len(ids) == len(set(ids)), path.name


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[Path, Read]) -> None:
    for path, page in pages.items():
        assert not [url for url in page.loads if "//" in url and not url.startswith("data:")], path
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert not re.search(r"(url\(\s*['\"]?|@import\s*['\"])(https?:)?//", text), style.name
