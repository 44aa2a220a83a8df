"""How long to wait before a call is tried again, in seconds."""

import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime

LONGEST = 60.0  # a server that asks for more gets no retry: the error goes to the caller at once
FIRST, CAP = 0.5, 8.0

# RFC 9110, section 10.2.3: Retry-After = HTTP-date / delay-seconds
_SECONDS = re.compile(r"[0-9]{1,9}")
# RFC 9110, section 5.6.7: the form of dates that servers must send; the obsolete two aren't read.
_DATE = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} "
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [1-9][0-9]{3} "
    r"[0-9]{2}:[0-9]{2}:[0-9]{2} GMT"
)


def retry_after(value: str | None, date: str | None, clock: Callable[[], float]) -> float | None:
    """What a Retry-After header says, or None if it says nothing that can be read.

    Args:
        value: the header's value.
        date: the value of the same answer's Date header. A time in ``value`` is one of the server's
            clock, so it is compared with that clock where it can be.
        clock: this machine's time of day, in seconds since 1970, for where it can't.
    """
    if value is None:
        return None
    if _SECONDS.fullmatch(value):
        return float(value)
    until = _seconds_of(value)
    if until is None:
        return None
    now = _seconds_of(date)
    return max(0.0, until - (clock() if now is None else now))


def back_off(retries: int, chance: float) -> float:
    """Exponential with full jitter: anything from nothing to a bound that doubles, so that clients
    that failed together don't come back together."""
    return chance * min(CAP, FIRST * 2.0 ** min(retries, 10))


def _seconds_of(date: str | None) -> float | None:
    if date is None or not _DATE.fullmatch(date):
        return None
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:  # the 31st of February
        return None
