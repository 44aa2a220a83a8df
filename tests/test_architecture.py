"""The floors of the house: a module imports only from its own floor or a lower one."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "src" / "bearer_auth"

# A folder stands on one floor with all that is in it. A new file needs a line here.
FLOORS = {
    "errors": 0,
    "events": 0,
    "metrics": 1,
    "tracing": 1,
    "token": 1,
    "header": 1,
    "scopes": 1,
    "records": 1,
    "values": 1,
    "hashing": 1,
    "formats": 1,
    "paths": 1,
    "content_types": 1,
    "origin": 1,
    "policy": 1,
    "openapi": 1,
    "stores": 2,
    "idempotency": 2,
    "ratelimit": 2,
    "audit": 3,
    "authenticator": 3,
    "cache": 3,
    "usage": 3,
    "issuer": 3,
    "keyring": 3,
    "moving": 3,
    "sweep": 3,
    "middleware": 4,
    "flask": 5,
    "dashboard": 5,
    "cli": 5,
    "client": 5,
    "testing": 5,
    "__init__": 6,
}


def module_of(path: Path) -> str:
    """``bearer_auth.stores.sql`` for ``…/bearer_auth/stores/sql.py``; a package is its folder."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_of(path): path for path in sorted(ROOT.rglob("*.py"))}


def floor_of(module: str) -> int:
    parts = module.split(".")
    return FLOORS[parts[1] if len(parts) > 1 else "__init__"]


def imports_of(module: str, source: str, is_package: bool) -> set[str]:
    """The modules of ours that a module imports, also inside functions and for types only."""
    package = module if is_package else module.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                origin = ".".join([*above, origin] if origin else above)
            for alias in node.names:
                submodule = f"{origin}.{alias.name}"
                found.add(submodule if submodule in FILES else origin)
    ours = {name for name in found if name.split(".")[0] == "bearer_auth"}
    return ours - {module}


GRAPH = {
    module: imports_of(module, path.read_text(), path.name == "__init__.py")
    for module, path in FILES.items()
}


def test_every_module_has_a_floor() -> None:
    names = {module.split(".")[1] for module in FILES if "." in module}
    assert names - FLOORS.keys() == set()


@pytest.mark.parametrize("module", FILES)
def test_a_module_imports_from_its_own_floor_or_a_lower_one(module: str) -> None:
    above = {name for name in GRAPH[module] if floor_of(name) > floor_of(module)}
    assert above == set()


def test_no_module_imports_itself_through_others() -> None:
    try:
        TopologicalSorter(GRAPH).prepare()
    except CycleError as error:
        pytest.fail("a circle of imports: " + " → ".join(error.args[1]))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from ..errors import Conflict", {"bearer_auth.errors"}),
        ("from .. import errors", {"bearer_auth.errors"}),
        ("from . import Page", {"bearer_auth.stores"}),
        ("from .cursor import sort_key", {"bearer_auth.stores.cursor"}),
        ("import bearer_auth.token", {"bearer_auth.token"}),
        ("def late():\n    from ..hashing import verify", {"bearer_auth.hashing"}),
        ("import json, bearer_auth", {"bearer_auth"}),
        ("from werkzeug import http", set()),
    ],
)
def test_imports_are_read_in_each_of_their_forms(source: str, expected: set[str]) -> None:
    assert imports_of("bearer_auth.stores.memory", source, is_package=False) == expected


def test_importing_the_package_imports_no_extra() -> None:
    code = "import sys, bearer_auth; print(*{name.partition('.')[0] for name in sys.modules})"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    loaded = set(output.split())
    assert "bearer_auth" in loaded
    assert loaded & {"flask", "sqlalchemy", "click", "rich", "argon2", "django", "gevent"} == set()
