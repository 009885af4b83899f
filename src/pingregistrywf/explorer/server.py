"""Serves the explorer on this machine alone.

What is served is one page, held in memory: no file of this machine can be asked for.
"""

from __future__ import annotations

from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

HOST: Final = "127.0.0.1"
PAGES: Final = ("/", "/index.html")


def serving(port: int, page: bytes) -> ThreadingHTTPServer:
    """Return a server of a page on a port, 0 for any that is free."""

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
