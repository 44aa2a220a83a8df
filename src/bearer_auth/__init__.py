"""API keys for any Python web app.

::

    from bearer_auth import BearerAuth, Keyring, MemoryStore

    store = MemoryStore()
    issued = Keyring(store).create(user_id="user_123", plan="pro")
    app = BearerAuth(app, store)    # every request now needs issued.token
"""

from .authenticator import Authenticator
from .errors import (
    APIError,
    BearerAuthError,
    ConfigurationError,
    Conflict,
    IdempotencyConflict,
    IdempotencyKeyReused,
    InsufficientScope,
    InvalidRequest,
    InvalidToken,
    KeyExists,
    KeyInactive,
    KeyNotFound,
    RateLimited,
    ReadOnlyStore,
    RequestTooLarge,
    RotationInProgress,
    StoreUnavailable,
    UnsupportedMediaType,
)
from .events import Event, EventSink, LoggingSink, Sinks
from .keyring import Keyring
from .middleware import BearerAuth, get_principal, get_request_id, require_scopes
from .policy import Policy, Rule
from .records import IssuedKey, KeyRecord, Principal, Secret
from .stores import KeyStore, Page, Query, Usage, Use, WritableKeyStore
from .stores.env import EnvStore
from .stores.layered import LayeredStore
from .stores.memory import MemoryStore

__version__ = "0.1.0"

__all__ = [
    # the door
    "BearerAuth",
    "Rule",
    "Policy",
    "get_principal",
    "get_request_id",
    "require_scopes",
    # keys
    "Keyring",
    "KeyRecord",
    "Secret",
    "IssuedKey",
    "Principal",
    "Authenticator",
    # stores
    "KeyStore",
    "WritableKeyStore",
    "MemoryStore",
    "EnvStore",
    "LayeredStore",
    "Page",
    "Query",
    "Usage",
    "Use",
    # events
    "Event",
    "EventSink",
    "LoggingSink",
    "Sinks",
    # errors
    "BearerAuthError",
    "ConfigurationError",
    "KeyNotFound",
    "KeyExists",
    "KeyInactive",
    "RotationInProgress",
    "Conflict",
    "ReadOnlyStore",
    "APIError",
    "InvalidRequest",
    "InvalidToken",
    "InsufficientScope",
    "IdempotencyConflict",
    "RequestTooLarge",
    "UnsupportedMediaType",
    "IdempotencyKeyReused",
    "RateLimited",
    "StoreUnavailable",
]
