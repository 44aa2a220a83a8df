"""Names, words and links in the documentation: each leads to something that is there."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import bearer_auth
import bearer_auth.audit
import bearer_auth.client
import bearer_auth.dashboard
import bearer_auth.dashboard.operator
import bearer_auth.flask
import bearer_auth.formats
import bearer_auth.idempotency
import bearer_auth.metrics
import bearer_auth.ratelimit
import bearer_auth.stores.sql
import bearer_auth.testing
import bearer_auth.tracing
import conductor_sdk
from bearer_auth import errors

ROOT = Path(__file__).parents[2]
SOURCE = "".join(path.read_text() for path in (ROOT / "src" / "bearer_auth").rglob("*.py"))
# Names of Python, werkzeug and Apache that stand in the documentation as well.
OTHERS = {"TypeError", "LookupError", "ValueError", "HTTPException", "ProxyFix"}
OTHERS |= {"MemoryStorage"}  # of limits
OTHERS |= {"WSGIPassAuthorization", "WSGIScriptAlias", "OpenTelemetryMiddleware"}
OTHERS |= {"RateLimit"}  # a header
OTHERS |= {"ArgumentError"}  # of the conformance rows
OTHERS |= {"AcmeClient", "AsyncClient", "AbortSignal"}  # of docs/sdks.md, httpx2 and JavaScript
# types of the TypeScript SDK; test_sdk_names.py compares them with the package
OTHERS |= {"ConductorClientOptions", "CallOptions", "ExecuteOptions", "RequestOptions"}
OTHERS |= {"HttpOnly", "SameSite"}  # of a cookie

Pages = Mapping[str, str]


@pytest.fixture
def text(pages: Pages) -> str:
    return "\n".join(pages.values())


def test_each_public_name_is_mentioned(text: str) -> None:
    assert [n for n in bearer_auth.__all__ if not re.search(rf"\b{n}\b", text)] == []


def test_each_class_that_is_mentioned_exists(text: str) -> None:
    modules = (
        bearer_auth,
        bearer_auth.audit,
        bearer_auth.client,
        bearer_auth.dashboard,
        bearer_auth.dashboard.operator,
        bearer_auth.flask,
        bearer_auth.formats,
        bearer_auth.metrics,
        bearer_auth.ratelimit,
        bearer_auth.tracing,
        bearer_auth.stores.sql,
        bearer_auth.testing,
        conductor_sdk,
    )
    named = bearer_auth.testing.__all__ + bearer_auth.idempotency.__all__
    known = OTHERS.union(*map(dir, modules), named)
    code = " ".join(re.findall(r"`([^`\n]+)`", text))
    mentioned = set(re.findall(r"(?<![\w=-])[A-Z]+[a-z]+[A-Z][A-Za-z]+", code))
    assert mentioned - known == set()


def test_each_method_of_the_keyring_that_is_mentioned_exists(text: str) -> None:
    mentioned = set(re.findall(r"\bkeyring\.(?!py)(\w+)", text))
    assert {name for name in mentioned if not hasattr(bearer_auth.Keyring, name)} == set()


def test_each_variable_that_is_mentioned_exists(text: str) -> None:
    """``BEARER_AUTH_…``; what follows ``BEARER_AUTH_KEY_`` is the user's."""
    known = set(bearer_auth.flask._CONFIG) | set(re.findall(r"BEARER_AUTH_\w+", SOURCE))
    mentioned = set(re.findall(r"BEARER_AUTH_(?!KEY_)\w+", text))
    assert mentioned - known == set()


def test_each_link_leads_somewhere(page: str, pages: Pages) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", pages[page]):
        if re.match(r"https?:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target.read_text()), link


def anchors_of(page: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_index_has_each_page(pages: Pages) -> None:
    index = pages["docs/README.md"]
    found = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    assert {name for name in found - {"README.md"} if f"]({name})" not in index} == set()


def test_the_architecture_has_each_module(pages: Pages) -> None:
    modules = {path.name for path in (ROOT / "src" / "bearer_auth").iterdir()}
    modules -= {"__init__.py", "__pycache__", "py.typed"}
    assert {name for name in modules if name not in pages["docs/architecture.md"]} == set()


def test_the_tree_of_errors_is_that_of_the_module(pages: Pages) -> None:
    (tree,) = re.findall(r"```text\n(BearerAuthError\n.*?)```", pages["docs/errors.md"], re.DOTALL)
    indented = "".join(f"    {line}\n" for line in tree.splitlines())
    assert indented in (errors.__doc__ or "")


@pytest.mark.parametrize(
    ("pattern", "least"),
    [
        # but for a template and a view of the dashboard
        (r'"((?!key\.(?:html|show)")(?:request|store|key|operator)\.[a-z_]+)"', 10),
        # the label of a field has a capital letter
        (r'(?:InvalidToken\(|reason(?:: str)? ?= ?)"([a-z]\w*)"', 10),
    ],
    ids=["names", "reasons"],
)
def test_each_event_and_reason_in_the_source_is_explained(
    pages: Pages, pattern: str, least: int
) -> None:
    found: set[Any] = set(re.findall(pattern, SOURCE))
    assert len(found) >= least, "the source is written in another way now"
    assert {word for word in found if f"`{word}`" not in pages["docs/events.md"]} == set()
