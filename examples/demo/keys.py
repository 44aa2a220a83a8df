"""The two keys of the demo, made once and kept in its folder."""

import json
import os
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from bearer_auth import Authenticator, InvalidToken, Keyring
from bearer_auth.stores.sql import SQLStore


class DemoKeys(NamedTuple):
    user_123: str
    without_scopes: str


def store_url(folder: Path) -> str:
    return f"sqlite:///{folder.resolve() / 'keys.db'}"


def demo_keys(folder: Path) -> DemoKeys:
    """The keys of the last time if they are still good, else new ones."""
    with closing(SQLStore(store_url(folder))) as store:
        try:
            keys = DemoKeys(**json.loads((folder / "tokens.json").read_text()))
            with closing(Authenticator(store)) as authenticator:
                authenticator.authenticate(keys.user_123).require_scopes("ensembles:execute")
                authenticator.authenticate(keys.without_scopes)
        except (OSError, ValueError, TypeError, InvalidToken):
            keys = _issue(Keyring(store))
            _write_private(folder / "tokens.json", json.dumps(keys._asdict(), indent=2))
    return keys


def _issue(keyring: Keyring) -> DemoKeys:
    executing = keyring.create(
        user_id="user_123", plan="pro", name="demo", scopes=["ensembles:execute"]
    )
    return DemoKeys(
        user_123=executing.token,
        without_scopes=keyring.create(user_id="user_456", plan="free", name="demo").token,
    )


def _write_private(path: Path, text: str) -> None:
    """Only its owner can read the file, from its first moment on."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
