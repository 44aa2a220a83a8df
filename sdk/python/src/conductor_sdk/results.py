"""What a call returns.

.. versionadded:: 0.1.0
"""

from dataclasses import dataclass, field
from typing import Any

import httpx2

from ._answers import document, header, request_id, undocumented


@dataclass(frozen=True, slots=True)
class User:
    """Whose key it is.

    Attributes:
        id: the owner.
        plan: what the owner has booked, or None.
    """

    id: str
    plan: str | None


@dataclass(frozen=True, slots=True)
class Health:
    """The API answers, and the key is good.

    Attributes:
        status: ``"healthy"``.
        authenticated: whether the API knows who asks.
        user: whose key it is.
        request_id: what the API calls this request, or None.
        response: the whole answer.
    """

    status: str
    authenticated: bool
    user: User
    request_id: str | None
    response: httpx2.Response = field(repr=False, compare=False)

    @classmethod
    def of(cls, response: httpx2.Response) -> "Health":
        """Read an answer. Raises APIResponseError: it isn't one."""
        match document(response):
            case {
                "status": str(status),
                "authenticated": bool(authenticated),
                "user": {"id": str(id_), **rest},
            } if isinstance(plan := rest.get("plan"), str | None):
                user = User(id_, plan)
                return cls(status, authenticated, user, request_id(response), response)
            case _:
                raise undocumented(response)


@dataclass(frozen=True, slots=True)
class Execution:
    """What an ensemble made of its input.

    Attributes:
        output: its output, as JSON.
        request_id: what the API calls this request, or None.
        replayed: True if the API had done this before, under the same idempotency key, and this is
            the answer of that time.
        response: the whole answer.
    """

    output: Any
    request_id: str | None
    replayed: bool
    response: httpx2.Response = field(repr=False, compare=False)

    @classmethod
    def of(cls, response: httpx2.Response) -> "Execution":
        """Read an answer. Raises APIResponseError: it isn't one."""
        match document(response):
            case {"success": True, "output": output}:
                return cls(output, request_id(response), is_replay(response), response)
            case _:
                raise undocumented(response)


def is_replay(response: httpx2.Response) -> bool:
    """Whether the API had this answer from an earlier request."""
    return header(response.headers, b"idempotent-replayed") == b"true"
