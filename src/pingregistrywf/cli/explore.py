"""The explorer, from the installed package: served on this machine alone, or written to disk.

What is served is one page, held in memory: no file of this machine can be asked for.
"""

from __future__ import annotations

import threading
import webbrowser
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated, Any, Final

from typer import Option

from pingregistrywf.cli.common import ModelOption, answer, answering, stopped_by_signals, with_json

HOST: Final = "127.0.0.1"
PAGES: Final = ("/", "/index.html")
THEIRS: Final = "your_package"
"""What ``Copy as Python`` calls the package of a chart that is not this project's."""


@with_json
def explore(
    model: ModelOption = None,
    port: Annotated[int, Option(min=0, max=65535, help="The port; 0 for any that is free.")] = 0,
    browser: Annotated[bool, Option(help="Open the page in a browser.")] = True,
    output: Annotated[
        Path | None,
        Option(
            metavar="DIR", help="Write the page there and serve nothing; it works from disk, too."
        ),
    ] = None,
) -> None:
    """Open the explorer: the charts' diagrams live, in a browser, without a network."""
    from pingregistrywf import explorer
    from pingregistrywf.chart.locate import load_model
    from pingregistrywf.chart.mistakes import ChartError
    from pingregistrywf.generate.layout import LayoutError

    with answering(ChartError, LayoutError):
        read = load_model(model or [])
        package = THEIRS if model else explorer.PACKAGE
        if output is not None:
            for path in explorer.write(read, output, package=package):
                answer({"written": path}, f"wrote {path}")
            return
        page = explorer.page(read, package=package).encode()
        with stopped_by_signals() as stop, _server(port, page) as server:
            # Nothing is asked of the thread but to serve, so it need not look for a stop.
            threading.Thread(target=server.serve_forever, args=(3600.0,), daemon=True).start()
            url = f"http://{HOST}:{server.server_port}/"
            answer({"url": url}, f"{url} (end with Ctrl-C)")
            if browser:
                webbrowser.open(url)
            asked = threading.Event()
            with stop.waking(asked.set):
                asked.wait()


def _server(port: int, page: bytes) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found = self.path.partition("?")[0] in PAGES
            body = page if found else b"not found: the explorer is at /\n"
            self.send_response(HTTPStatus.OK if found else HTTPStatus.NOT_FOUND)
            kind = "text/html" if found else "text/plain"
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Requests are nobody's news."""

    return ThreadingHTTPServer((HOST, port), Handler)
