"""How long a page takes in a browser, from its address to the end of its scripts."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser

pytestmark = [pytest.mark.exhaustive, pytest.mark.xdist_group("site")]


@pytest.mark.parametrize(
    "name", ["index.html", "reference/python.html", "explorer/index.html"], ids=lambda name: name
)
def test_loading_a_page(browser: Browser, address: str, name: str, benchmark: Any) -> None:
    page = browser.new_context().new_page()
    benchmark.pedantic(lambda: page.goto(address + name, wait_until="load"), rounds=5)
    page.context.close()
