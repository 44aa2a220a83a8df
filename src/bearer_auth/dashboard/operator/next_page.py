"""Where somebody goes once they have signed in: a page of this dashboard, and nowhere else."""

from __future__ import annotations

import re
from urllib.parse import unquote

# Paths and queries (RFC 3986) without "//" and without what browsers read as "/" or pass over.
_PAGE = re.compile(r"(?:/[A-Za-z0-9._~%!$&'()*+,;=:@-]*)+(?:\?[A-Za-z0-9._~%!$&'()*+,;=:@/?-]*)?")


def inside(url: str, root: str) -> str | None:
    """A relative URL, if it is that of a page under a path.

    Args:
        url: What came with a form.
        root: Where the dashboard is mounted, without a slash at its end.

    Returns:
        The URL; ``None`` if it leads elsewhere.
    """
    if not _PAGE.fullmatch(url):
        return None
    path = unquote(url.partition("?")[0])
    if "//" in path or "\\" in path or {".", ".."} & set(path.split("/")):
        return None
    return url if path.startswith(f"{root}/") else None
