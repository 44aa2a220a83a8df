"""Round trips to a server: a relay that counts how often a client speaks and the server answers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import make_url

PORTS = {"postgresql": 5432, "mysql": 3306, "redis": 6379}


class Relay:
    """Passes on what a client and a server say to each other.

    Args:
        url: Of the server.

    Attributes:
        url: The same, by way of the relay.
    """

    def __init__(self, url: str) -> None:
        parts = make_url(url)
        self._server = parts.host or "127.0.0.1", parts.port or PORTS[parts.get_backend_name()]
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._trips = 0
        self._client_spoke = False
        through = parts.set(host="127.0.0.1", port=self._listener.getsockname()[1])
        self.url = through.render_as_string(hide_password=False)
        threading.Thread(target=self._accept, daemon=True).start()

    def trips(self, call: Callable[[], object]) -> int:
        """How many round trips a call takes."""
        before = self._trips
        call()
        return self._trips - before

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                for ends in ((client, server, True), (server, client, False)):
                    ends[0].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket, from_client: bool) -> None:
        with suppress(OSError):
            while data := one.recv(65_536):
                if from_client and not self._client_spoke:
                    self._trips += 1
                self._client_spoke = from_client
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)
