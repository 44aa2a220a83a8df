"""What a call can raise.

    APIError
    ├── APIConnectionError            there was no complete answer
    │   └── APITimeoutError           not in time
    ├── APIResponseError              success, but the body is not what is documented
    └── APIStatusError                every other status
        ├── BadRequestError           400
        ├── AuthenticationError       401
        ├── PermissionDeniedError     403
        ├── ConflictError             409
        ├── UnprocessableEntityError  422
        ├── RateLimitError            429
        └── ServiceUnavailableError   503

.. versionadded:: 0.1.0
"""

import httpx2


class APIError(Exception):
    """A call that failed. None of these holds the API key.

    Attributes:
        message: what is wrong; the API's own words where it gave some.
        status: the HTTP status, or None if there was no answer.
        code: the API's stable name of the error, such as ``"RATE_LIMITED"``, or None.
        request_id: what to tell the API's operators, or None.
        response: the whole answer, read already, or None.
        idempotency_key: what the request was sent with. A call with the same arguments and this
            key runs once, however often it is sent. None if it was sent without.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        response: httpx2.Response | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.request_id = request_id
        self.response = response
        self.idempotency_key = idempotency_key

    def __str__(self) -> str:
        head = f"{self.status} {self.code}: " if self.code else ""
        tail = f" (request id {self.request_id})" if self.request_id else ""
        return f"{head}{self.message}{tail}"


class APIConnectionError(APIError):
    """There was no complete answer: nobody knows whether the request was done. ``__cause__`` says
    what happened."""


class APITimeoutError(APIConnectionError):
    """There was no complete answer within ``timeout`` or ``deadline``."""


class APIResponseError(APIError):
    """Success, but the body isn't the documented JSON: a proxy may have answered."""


class APIStatusError(APIError):
    """The answer is no success.

    Attributes:
        retry_after: seconds that the API asks to wait before the next try, or None.
    """

    retry_after: float | None = None


class BadRequestError(APIStatusError):
    """400: the request is malformed."""


class AuthenticationError(APIStatusError):
    """401: there is no such key, or it is expired, revoked or of another environment."""


class PermissionDeniedError(APIStatusError):
    """403: the key is good, and not enough for this."""


class ConflictError(APIStatusError):
    """409: the same idempotency key is still running, or its answer was not kept."""


class UnprocessableEntityError(APIStatusError):
    """422: the idempotency key was used for another request."""


class RateLimitError(APIStatusError):
    """429: too many requests. Of several limits these are the numbers of the tightest.

    Attributes:
        limit: how many requests its window allows, or None if the answer doesn't say.
        remaining: how many are left now, or None.
        reset: seconds until there are more, or None.
    """

    limit: int | None = None
    remaining: int | None = None
    reset: int | None = None


class ServiceUnavailableError(APIStatusError):
    """503: the API can't answer now."""
