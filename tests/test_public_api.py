"""What can be imported from ``bearer_auth`` is a promise: adding or taking away is deliberate."""

import bearer_auth

NAMES = [
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


def test_these_names_are_public_and_no_others() -> None:
    assert sorted(bearer_auth.__all__) == sorted(NAMES)


def test_every_public_name_is_there() -> None:
    assert [name for name in NAMES if not hasattr(bearer_auth, name)] == []
