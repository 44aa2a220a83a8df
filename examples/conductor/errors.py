"""Errors of the API's own, in the form of all the others."""

from collections.abc import Iterable

from bearer_auth import APIError


class NotFound(APIError):
    code = 404
    error_code = "NOT_FOUND"
    message = "There is nothing here"


class MethodNotAllowed(APIError):
    code = 405
    error_code = "METHOD_NOT_ALLOWED"
    message = "This method can't be used here"

    def __init__(self, allowed: Iterable[str]) -> None:
        super().__init__()
        self.headers = (("Allow", ", ".join(sorted(allowed))),)
