"""Both SDKs against examples/conductor behind gunicorn.

A test with ``sdk`` runs for the Python SDK, its asynchronous client and the TypeScript SDK.
"""

import uuid
from functools import partial

import pytest

from .callers import AsyncCaller, Caller
from .node import NodeCaller, install
from .site import Site

LANGUAGES = {"python": "python", "python-async": "python", "typescript": "typescript"}


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The site, over a file of SQLite."""
    site = Site(tmp_path_factory.mktemp("conductor"))
    yield site
    site.close()


@pytest.fixture(scope="session")
def node_folder(tmp_path_factory):
    """A folder with the TypeScript SDK and our scripts."""
    folder = tmp_path_factory.mktemp("node")
    install(folder)
    return folder


@pytest.fixture(
    params=[
        pytest.param(name, marks=pytest.mark.xdist_group(f"sdk-{group}"))
        for name, group in LANGUAGES.items()
    ]
)
def sdk(request):
    """``sdk(base_url, api_key, **options)``: a client, see ``Caller``."""
    callers = []
    kinds = {"python": Caller, "python-async": AsyncCaller}
    make = kinds.get(request.param) or partial(NodeCaller, request.getfixturevalue("node_folder"))

    def sdk(base_url, api_key, **options):
        callers.append(make(base_url, api_key, **options))
        return callers[-1]

    yield sdk
    for caller in callers:
        caller.close()


@pytest.fixture
def ensemble():
    """The name of one that no other test asks for."""
    return uuid.uuid4().hex
