"""The Python SDK, as tests call it: what a call comes to is an ``Outcome`` in every language."""

import asyncio
import logging
import queue
import threading
from types import SimpleNamespace

from conductor_sdk import APIError, AsyncConductorClient, ConductorClient, Execution, Health

from ..servers.process import SECONDS

PATIENCE_S = 3 * SECONDS
"""For a call with all its tries and waits."""


class Outcome(SimpleNamespace):
    """A result or an error, by the names that Python has for its fields; ``error`` is the name of
    the error's class, or ``None``."""


class Log(logging.Handler):
    """What the SDK has logged, a line at a time."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self._lines = queue.SimpleQueue()

    def emit(self, record):
        self.add(record.getMessage())

    def add(self, line):
        self._lines.put(line)

    def wait_for(self, text):
        """The next line with this in it."""
        while text not in (line := self._lines.get(timeout=PATIENCE_S)):
            pass
        return line

    def so_far(self):
        """The lines that nobody has asked for yet."""
        lines = []
        while not self._lines.empty():
            lines.append(self._lines.get())
        return lines

    def retries(self):
        """Of the lines so far, those that say that something is tried again."""
        return [line for line in self.so_far() if "trying again" in line]


class Caller:
    """``ConductorClient``.

    Args:
        base_url: Where the API is.
        api_key: The key, or the file that it is in: that is read for each try.
        options: Further options of the client, by their names in Python.
    """

    def __init__(self, base_url, api_key, **options):
        self.log = Log()
        logger = logging.getLogger("conductor_sdk")
        logger.addHandler(self.log)
        logger.setLevel(logging.DEBUG)
        self._client = self._make(api_key, base_url=base_url, **options)

    def _make(self, api_key, **options):
        return ConductorClient(
            api_key=api_key if isinstance(api_key, str) else api_key.read_text, **options
        )

    def health(self, **options):
        return self._outcome("health", **options)

    def execute(self, ensemble, input=None, **options):
        return self._outcome("execute", ensemble, input=input, **options)

    def request(self, method, path, **options):
        return self._outcome("request", method, path, **options)

    def close(self):
        self._end()
        logging.getLogger("conductor_sdk").removeHandler(self.log)

    def _outcome(self, name, *arguments, **options):
        try:
            result = self._call(name, *arguments, **options)
        except APIError as error:
            return failure(error)
        return success(result)

    def _call(self, name, *arguments, **options):
        return getattr(self._client, name)(*arguments, **options)

    def _end(self):
        self._client.close()


class AsyncCaller(Caller):
    """``AsyncConductorClient``, in a loop of its own."""

    def _make(self, api_key, **options):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

        async def read():
            return api_key.read_text()

        return AsyncConductorClient(
            api_key=api_key if isinstance(api_key, str) else read, **options
        )

    def _call(self, name, *arguments, **options):
        return self._finish(getattr(self._client, name)(*arguments, **options))

    def _end(self):
        self._finish(self._client.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SECONDS)
        self._loop.close()

    def _finish(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE_S)


def success(result):
    if isinstance(result, Health):
        return Outcome(
            error=None,
            status=result.status,
            authenticated=result.authenticated,
            user=[result.user.id, result.user.plan],
            request_id=result.request_id,
        )
    if isinstance(result, Execution):
        return Outcome(
            error=None,
            output=result.output,
            replayed=result.replayed,
            request_id=result.request_id,
        )
    return Outcome(error=None, status=result.status_code, text=result.text)


def failure(error):
    names = ("status", "code", "message", "request_id", "idempotency_key")
    # what only some of the classes have
    more = ("retry_after", "limit", "remaining", "reset")
    return Outcome(
        error=type(error).__name__,
        **{name: getattr(error, name) for name in names},
        **{name: getattr(error, name, None) for name in more},
    )
