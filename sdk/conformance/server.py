"""The scripted server of the conformance rows: it answers each try as the row says, and as badly.

    python3 server.py

Once it listens it prints one JSON line, `{"api": origin, "other": origin, "closed": origin}`. It
ends when its standard input does, so nobody who starts it can leave it behind. README.md has the
fields of an answer and the two calls that control it.
"""

import asyncio
import base64
import gzip
import json
import socket
import struct
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from http.client import responses
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

Answer = dict[str, Any]
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

# long enough that a drip of some seconds never fills it
DRIPPED_LENGTH = 1_000_000
DRIP_SECONDS = 0.02

UNSCRIPTED: Answer = {
    "status": 500,
    "json": {
        "success": False,
        "error": {"code": "UNSCRIPTED", "message": "the row has no answer for this request"},
    },
}


@dataclass
class Request:
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")


@dataclass
class Script:
    answers: list[Answer]
    others_before: int
    seen: list[dict[str, Any]] = field(default_factory=list)


class Server:
    def __init__(self) -> None:
        self.scripts: dict[str, Script] = {}
        self.others: list[dict[str, Any]] = []
        self.origins: dict[str, str] = {}

    async def api(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for request in requests(reader):
            _, name, rest = [*request.target.split("/", 2), "", ""][:3]
            if name == "_":
                await send(reader, writer, request, self.control(request), {})
                continue
            script = self.scripts.get(name)
            if script is None:
                answer = UNSCRIPTED
            else:
                script.seen.append(described(request, "/" + rest))
                answer = script.answers.pop(0) if script.answers else UNSCRIPTED
            placeholders = {
                **{"{" + name + "}": origin for name, origin in self.origins.items()},
                "{id}": name,
                "{key}": request.header("authorization").removeprefix("Bearer "),
            }
            if not await send(reader, writer, request, answer, placeholders):
                return

    async def other(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for request in requests(reader):
            self.others.append(described(request, request.target))
            await send(reader, writer, request, {"json": {"success": True, "output": "other"}}, {})

    def control(self, request: Request) -> Answer:
        target = urlsplit(request.target)
        if (request.method, target.path) == ("POST", "/_/script"):
            script = json.loads(request.body)
            self.scripts[script["id"]] = Script(script["answers"], len(self.others))
            return {"json": {}}
        if (request.method, target.path) == ("GET", "/_/seen"):
            script = self.scripts[parse_qs(target.query)["id"][0]]
            return {"json": {"requests": script.seen, "other": self.others[script.others_before :]}}
        return {"status": 404, "json": {}}


def described(request: Request, target: str) -> dict[str, Any]:
    path, _, query = target.partition("?")
    return {
        "method": request.method,
        "path": path,
        "query": parse_qsl(query, keep_blank_values=True),
        "headers": request.headers,
        "body": request.body.decode("utf-8", "replace"),
    }


async def requests(reader: asyncio.StreamReader) -> AsyncIterator[Request]:
    """The requests of a connection, until the client hangs up or speaks something else (TLS)."""
    try:
        while (first := await reader.read(1)) and first.isalpha():
            head = first + await reader.readuntil(b"\r\n\r\n")
            line, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
            method, target, _ = line.split(" ")
            pairs = [text.partition(":")[::2] for text in lines]
            request = Request(method, target, [(name, text.strip()) for name, text in pairs], b"")
            request.body = await body_of(request, reader)
            yield request
    except (ConnectionError, asyncio.IncompleteReadError):
        return


async def body_of(request: Request, reader: asyncio.StreamReader) -> bytes:
    if request.header("transfer-encoding").lower() != "chunked":
        return await reader.readexactly(int(request.header("content-length") or 0))
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return body


def filled(value: Any, placeholders: dict[str, str]) -> Any:
    if isinstance(value, str):
        for name, text in placeholders.items():
            value = value.replace(name, text)
        return value
    if isinstance(value, dict):
        return {key: filled(item, placeholders) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, placeholders) for item in value]
    return value


def head_and_body(answer: Answer, request: Request) -> tuple[bytes, bytes]:
    status = answer.get("status", 200)
    headers = [(name, value) for name, value in answer.get("headers", [])]
    if "json" in answer:
        body = json.dumps(answer["json"]).encode()
        if not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("Content-Type", "application/json"))
    elif "body_base64" in answer:
        body = base64.b64decode(answer["body_base64"])
    else:
        body = answer.get("body", "").encode() * answer.get("repeat", 1)
    if answer.get("gzip"):
        body = gzip.compress(body)
        headers.append(("Content-Encoding", "gzip"))
    bodiless = status in (204, 304)
    if answer.get("chunked"):
        headers.append(("Transfer-Encoding", "chunked"))
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    elif answer.get("until_close"):
        headers.append(("Connection", "close"))
    elif answer.get("drip") == "body":
        headers.append(("Content-Length", str(DRIPPED_LENGTH)))
    elif not bodiless:
        headers.append(("Content-Length", str(len(body))))
    if request.method == "HEAD" or bodiless:
        body = b""
    lines = [
        f"HTTP/1.1 {status} {responses.get(status, 'Unassigned')}",
        *(f"{name}: {value}" for name, value in headers),
    ]
    # UTF-8: a row may say what a header must not hold
    return "\r\n".join([*lines, "", ""]).encode(), body


async def send(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    request: Request,
    answer: Answer,
    placeholders: dict[str, str],
) -> bool:
    """Answer one request; whether the connection may carry another."""
    answer = filled(answer, placeholders)
    if "interim" in answer:
        writer.write(f"HTTP/1.1 {answer['interim']} Interim\r\nLink: </x>\r\n\r\n".encode())
    if "raw" in answer:
        writer.write(answer["raw"].encode())
        await writer.drain()
        return False
    head, body = head_and_body(answer, request)
    before_headers = "before_headers" in (
        answer.get("reset"),
        answer.get("close"),
        answer.get("stall"),
    )
    if answer.get("drip") == "headers":
        writer.write(head.removesuffix(b"\r\n") + b"X-Slow: ")
    elif not before_headers:
        writer.write(head)
        if "cut" in answer:
            writer.write(body[: answer["cut"]])
        elif "in_body" in (answer.get("reset"), answer.get("stall")):
            writer.write(body[: len(body) // 2])
        elif "drip" not in answer:
            writer.write(body)
    await writer.drain()
    if "reset" in answer:
        reset(writer)
    if "drip" in answer:
        await drip(reader, writer)
    if "stall" in answer:
        await reader.read()
    broken = ("reset", "drip", "stall", "cut", "close", "until_close")
    return not any(name in answer for name in broken)


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One byte after the other until the client hangs up."""
    while not reader.at_eof():
        writer.write(b" ")
        await writer.drain()
        try:
            async with asyncio.timeout(DRIP_SECONDS):
                await reader.read(1)
        except TimeoutError:
            continue


def reset(writer: asyncio.StreamWriter) -> None:
    # lingering for no time at all makes the kernel send RST where it would send FIN
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


def until_closed(handler: Handler) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass  # the client hung up, as it may, or this server ends
        finally:
            writer.close()

    return handle


def origin(listener: Any) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


async def main() -> None:
    server = Server()
    for name, handler in (("api", server.api), ("other", server.other)):
        listener = await asyncio.start_server(until_closed(handler), "127.0.0.1", 0)
        server.origins[name] = origin(listener.sockets[0])
    # bound and never listening: nobody else gets the port, and each connection is refused
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        server.origins["closed"] = origin(closed)
        sys.stdout.write(json.dumps(server.origins) + "\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)


if __name__ == "__main__":
    asyncio.run(main())
