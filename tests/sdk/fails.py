# ruff: noqa: T201 - what it prints is what the test searches
"""A program in which all goes wrong, and that shows all it knows: logs at DEBUG, each error with
its chain, its attributes, and the variables of its frames. ``python fails.py CLOSED_PORT``.

It must not hold a key in a variable of its own: those are shown too.
"""

import asyncio
import logging
import os
import sys
import traceback

from conductor_sdk import APIError, AsyncConductorClient, ConductorClient

logging.basicConfig(level=logging.DEBUG)
nowhere = f"http://127.0.0.1:{sys.argv[1]}"


def show(thing):
    print(repr(thing), thing, getattr(thing, "__dict__", None), dir(thing))


def show_error(error):
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    print(*shown.format())
    logging.getLogger("program").exception("it failed")
    link = error
    while link is not None:
        show(link)
        link = link.__cause__ or link.__context__
    if error.response is not None:
        show(error.response)
        show(error.response.request)
        print(error.response.headers.raw, error.response.request.headers.raw)
        print(error.response.extensions, error.response.request.extensions)


def calls(client):
    there = client.with_options(max_retries=1, timeout=20)
    gone = client.with_options(base_url=nowhere, max_retries=1)
    mistyped = client.with_options(api_key=lambda: os.environ["MISTYPED_KEY"])
    return [
        lambda: there.health(),
        lambda: there.execute("x", input="a", idempotency_key="order-1"),
        lambda: there.execute("x", input="b", idempotency_key="order-1"),
        lambda: there.execute("broken"),
        lambda: there.request("GET", "/admin"),
        lambda: there.request("GET", "/nowhere", params={"a": "b"}),
        lambda: there.execute("x", timeout=0.000001),
        lambda: gone.execute("x"),
        lambda: mistyped.execute("x"),
    ]


def synchronous():
    with ConductorClient() as client:
        show(client)
        for call in calls(client):
            try:
                show(call())
            except APIError as error:
                show_error(error)


async def asynchronous():
    async with AsyncConductorClient() as client:
        show(client)
        for call in calls(client):
            try:
                show(await call())
            except APIError as error:
                show_error(error)


synchronous()
asyncio.run(asynchronous())
ConductorClient().request("GET", "/admin")  # nobody catches it
