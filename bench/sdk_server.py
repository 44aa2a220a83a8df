"""The least that answers HTTP/1.1: it reads requests to their end and looks at nothing else."""

from __future__ import annotations

import asyncio
import re

ANSWERS = {
    "GET": b'{"status": "healthy", "authenticated": true, '
    b'"user": {"id": "user_123", "plan": "pro"}}',
    "POST": b'{"success": true, "output": {"text": "a sentence of a usual length"}}',
}

_HEAD = (
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    "X-Request-ID: 0123456789abcdef\r\nContent-Length: %d\r\n\r\n"
)
_WHOLE = {method.encode(): (_HEAD % len(body)).encode() + body for method, body in ANSWERS.items()}
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


class Connection(asyncio.Protocol):
    """A connection that stays open."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._read = transport, b""

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, end, body = self._read.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if end and len(body) >= (int(length[1]) if length else 0):
            self._transport.write(_WHOLE[head.partition(b" ")[0]])
            self._read = b""


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(f"http://127.0.0.1:{port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
