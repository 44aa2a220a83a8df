"""The page about keys in other HTTP clients, against the documented API."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

Names = dict[str, Any]


@contextmanager
def moving_to(target: str) -> Iterator[str]:
    """A server that has moved elsewhere."""

    class Moved(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", f"{target}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Moved) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_page_of_keys_in_your_own_client(
    run_page: Callable[..., None],
    documented_api: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "secret").write_text(f"{documented_api.token}\n")

    def plain_http_is_refused(names: Names) -> None:
        assert capsys.readouterr().out == (
            "to http://api.example.com the key would go in plain text: use https, or pass "
            "allow_http=True if nobody else can read what goes over that wire\n"
        )

    def the_same_origin_is_another_server(names: Names) -> None:
        names["auth"] = names["APIKeyAuth"](env="API_KEY", origin=moved)

    with moving_to(documented_api.url) as moved:
        run_page(
            "docs/api-key-auth.md",
            {},
            {"seen = []": the_same_origin_is_another_server},
            {"http://api.example.com": plain_http_is_refused},
            {
                "https://api.example.com/moved": f"{moved}/moved",
                "https://api.example.com": documented_api.url,
            },
        )
    sent = [headers.get("AUTHORIZATION") for headers in documented_api.seen]
    assert sent == [f"Bearer {documented_api.token}"] * 3 + [None]
