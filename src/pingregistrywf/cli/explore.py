"""The explorer, from the installed package: served on this machine alone, or written to disk."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

from typer import Option

from pingregistrywf.cli.common import (
    CannotRunError,
    ModelOption,
    answer,
    answering,
    json_wanted,
    require,
    stopped_by_signals,
    with_json,
)

THEIRS: Final = "your_package"
"""What ``Copy as Python`` calls the package of a chart that is not this project's."""


@with_json
def explore(
    model: ModelOption = None,
    port: Annotated[
        int, Option(min=0, max=65535, metavar="PORT", help="The port; 0 for any that is free.")
    ] = 0,
    link: Annotated[
        str, Option(metavar="TEXT", help="Open the sequence of a link: the part after #.")
    ] = "",
    browser: Annotated[bool, Option(help="Open the page in a browser.")] = True,
    output: Annotated[
        Path | None,
        Option(
            metavar="DIR", help="Write the page there and serve nothing; it works from disk, too."
        ),
    ] = None,
) -> None:
    """Open the explorer in a browser: the charts' diagrams, live, without a network."""
    require("model", "graphviz-pure")
    from pingregistrywf import explorer
    from pingregistrywf.chart.locate import load_model
    from pingregistrywf.chart.mistakes import ChartError
    from pingregistrywf.generate.layout import LayoutError
    from pingregistrywf.generate.link import is_fragment

    with answering(ChartError, LayoutError):
        if link and not is_fragment(link):
            raise CannotRunError(
                f"--link: {link!r} is not what comes after # in a link: copy a link in the"
                " explorer, and give the part after its #"
            )
        read = load_model(model or [])
        package = THEIRS if model else explorer.PACKAGE
        if output is not None:
            for path in explorer.write(read, output, package=package):
                answer({"written": path}, f"wrote {path}")
            return
        serve(explorer.page(read, package=package), port, link=link, browser=browser)


def show_history(chart: str, history: str, events: Sequence[Mapping[str, Any]]) -> None:
    """Open the explorer with a history of a journal, and serve it until a signal.

    Args:
        chart: the name of the history's chart, one that is installed.
        history: the history's id.
        events: its events as JSON, oldest first.
    """
    require("model", "graphviz-pure")
    from pingregistrywf import explorer
    from pingregistrywf.chart.locate import load_model
    from pingregistrywf.generate.layout import LayoutError

    with answering(LayoutError):
        recorded = explorer.Recorded(chart, history, events)
        page = explorer.page(load_model(), recorded=recorded)
    serve(page, port=0, browser=not json_wanted())


def serve(page: str, port: int, *, link: str = "", browser: bool) -> None:
    """Serve a page on this machine alone until a signal, and say where it is."""
    import webbrowser

    from pingregistrywf.explorer.server import HOST, serving

    with stopped_by_signals() as stop, serving(port, page.encode()) as server:
        # Nothing is asked of the thread but to serve, so it need not look for a stop.
        threading.Thread(target=server.serve_forever, args=(3600.0,), daemon=True).start()
        url = f"http://{HOST}:{server.server_port}/" + (f"#{link}" if link else "")
        answer({"url": url}, f"{url} (end with Ctrl-C)")
        if browser:
            webbrowser.open(url)
        asked = threading.Event()
        with stop.waking(asked.set):
            asked.wait()
