"""Who looks at the pages: what the host's ``identify`` says, and what that lets them see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import ConfigurationError
from ..records import KeyRecord
from ..values import check_text


@dataclass(frozen=True, slots=True)
class DashboardUser:
    """Who is signed in.

    Args:
        user_id: The owner of the keys; they are seen and changed by nobody else.
        plan: The plan of keys that they make.
        may_manage_all: Whether they see and change everybody's keys.
        tenant_id: Their tenant, where a ``user_id`` says who it is only within one. ``None``: keys
            of this ``user_id`` are theirs in any tenant. It can't be given with ``may_manage_all``,
            which knows no tenants.
        name: What to call them at the top of the page; by default the ``user_id``.

    Raises:
        ConfigurationError: A value is out of bounds.
        TypeError: A value is of the wrong type.

    .. versionadded:: 0.1
    """

    user_id: str
    plan: str = "default"
    may_manage_all: bool = False
    tenant_id: str | None = None
    name: str = ""

    def __post_init__(self) -> None:
        check_text("user_id", self.user_id, 1, 255)
        check_text("plan", self.plan, 1, 64)
        check_text("name", self.name, 0, 255)
        if self.tenant_id is not None:
            check_text("tenant_id", self.tenant_id, 1, 255)
        if not isinstance(self.may_manage_all, bool):
            raise TypeError(f"may_manage_all must be True or False, not {self.may_manage_all!r}")
        if self.may_manage_all and self.tenant_id is not None:
            raise ConfigurationError(
                "may_manage_all is over the keys of all tenants, so it can't go with a tenant_id"
            )

    def may_see(self, record: KeyRecord) -> bool:
        """Whether a key is theirs to see and to change."""
        if self.may_manage_all:
            return True
        same_tenant = self.tenant_id is None or record.tenant_id == self.tenant_id
        return record.user_id == self.user_id and same_tenant

    @property
    def key_filter(self) -> Mapping[str, Any]:
        """Whose keys they see, as arguments of a search; nothing for those who see all."""
        if self.may_manage_all:
            return {}
        return {"user_id": self.user_id, "tenant_id": self.tenant_id}


Identify = Callable[[dict[str, Any]], DashboardUser | None]
"""Says of each request who sends it, from the host's own session; ``None``: nobody is signed in."""
