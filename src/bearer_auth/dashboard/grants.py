"""What people may hand out: scopes, environments and lifetimes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from ..errors import ConfigurationError
from ..scopes import parse_scopes
from ..token import check_part
from ..values import listed, to_lifetime
from .people import DashboardUser

LIFETIMES = (timedelta(days=30), timedelta(days=90), timedelta(days=365))


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """What a person may give to a key that they make. Whoever manages all keys may give anything.

    Args:
        scopes: The scopes to choose from.
        environments: The environments to choose from; the first one is preselected.
        lifetimes: How long a key may live, in whole days; 90 days are preselected if they are among
            them, else the first one.
        never: Whether a key may have no end.
        max_keys: How many keys one person may have that are not revoked or expired, 1 to 1000.

    Raises:
        ConfigurationError: A value is out of bounds.
        TypeError: A value is of the wrong type.

    .. versionadded:: 0.1
    """

    scopes: Sequence[str] = ()
    environments: Sequence[str] = ("production",)
    lifetimes: Sequence[timedelta] = LIFETIMES
    never: bool = True
    max_keys: int = 100

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "scopes", parse_scopes(self.scopes))
        environments = listed("environments", self.environments)
        put(self, "environments", tuple(check_part("environment", e) for e in environments))
        put(self, "lifetimes", tuple(listed("lifetimes", self.lifetimes)))
        for lifetime in self.lifetimes:
            if not to_lifetime("lifetimes", lifetime) or lifetime % timedelta(days=1):
                raise ConfigurationError(f"lifetimes must be whole days, 1 or more: {lifetime}")
        if not self.environments:
            raise ConfigurationError("environments must name one at least")
        if not isinstance(self.never, bool):
            raise TypeError(f"never must be True or False, not {self.never!r}")
        if not self.lifetimes and not self.never:
            raise ConfigurationError("give lifetimes, or never=True: else no key can be made")
        if not isinstance(self.max_keys, int) or isinstance(self.max_keys, bool):
            raise TypeError(f"max_keys must be a whole number, not {self.max_keys!r}")
        if not 1 <= self.max_keys <= 1000:
            raise ConfigurationError(f"max_keys must be 1 to 1000: {self.max_keys!r}")

    @property
    def days(self) -> tuple[int, ...]:
        """The lifetimes in days."""
        return tuple(lifetime.days for lifetime in self.lifetimes)

    @property
    def preselected_days(self) -> int | None:
        """The lifetime that is chosen already; ``None`` if there is none but "never"."""
        return 90 if 90 in self.days else next(iter(self.days), None)


GrantsFor = Callable[[DashboardUser], Grants]
"""Says what a person may hand out."""


def granting(grants: Grants | GrantsFor) -> GrantsFor:
    """What each person may hand out, from what the user of the library gave.

    Raises:
        TypeError: Neither ``Grants`` nor a function; later, what the function returns is none.
    """
    if isinstance(grants, Grants):
        return lambda _: grants
    if not callable(grants) or isinstance(grants, type):
        raise TypeError(
            f"grants must be Grants(…) or a function of a DashboardUser, not {grants!r}"
        )

    def checked(user: DashboardUser) -> Grants:
        granted = grants(user)
        if not isinstance(granted, Grants):
            raise TypeError(f"grants must return Grants(…), not {type(granted).__name__}")
        return granted

    return checked
