"""The Conductor API from Python.

    from conductor_sdk import ConductorClient

    client = ConductorClient(api_key=os.environ["API_KEY"])
    client.health().user.id
    client.execute("your-ensemble", input={"text": "…"}).output

The key is sent to the API and to nobody else. What failed for a passing reason is tried again, and
a request that changes something is done once, however often it is sent.
"""

from ._key import ConfigurationError
from ._settings import Options
from ._version import __version__
from .async_client import AsyncConductorClient
from .client import ConductorClient
from .errors import (
    APIConnectionError,
    APIError,
    APIResponseError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    PermissionDeniedError,
    RateLimitError,
    ServiceUnavailableError,
    UnprocessableEntityError,
)
from .results import Execution, Health, User

__all__ = [
    "AsyncConductorClient",
    "ConductorClient",
    "Options",
    "Execution",
    "Health",
    "User",
    "APIError",
    "APIConnectionError",
    "APITimeoutError",
    "APIResponseError",
    "APIStatusError",
    "AuthenticationError",
    "BadRequestError",
    "ConflictError",
    "PermissionDeniedError",
    "RateLimitError",
    "ServiceUnavailableError",
    "UnprocessableEntityError",
    "ConfigurationError",
    "__version__",
]
