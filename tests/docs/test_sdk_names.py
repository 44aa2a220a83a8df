"""What docs/sdks.md says of names and errors is what both languages have."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest

import conductor_sdk

from .blocks import PAGES
from .typescript import run

pytestmark = pytest.mark.xdist_group("sdks")
needs_node = pytest.mark.skipif(shutil.which("npm") is None, reason="no Node here: make node")

PAGE = PAGES["docs/sdks.md"]
ROW = re.compile(r"^\| (\d+|other|none|2xx) \| `(\w+)` \| .+ \|$", re.MULTILINE)
TREE = re.compile(r"```text\n(APIError\n.*?)```", re.DOTALL)

CLASS_OF = {name: place for place, name in ROW.findall(PAGE)}
CLASS_OF_STATUS = {int(place): name for place, name in ROW.findall(PAGE) if place.isdigit()}
OTHER_STATUSES = (302, 404, 405, 408, 413, 415, 500, 502, 504)
STATUSES = {**CLASS_OF_STATUS, **dict.fromkeys(OTHER_STATUSES, "APIStatusError")}

ASK = """
import * as sdk from '@your-org/conductor-sdk';

const raised = {};
for (const status of STATUSES) {
  const client = new sdk.ConductorClient({
    apiKey: 'k', maxRetries: 0, fetch: async () => new Response(null, { status }),
  });
  await client.request('GET', '/').catch((error) => { raised[status] = error.constructor.name; });
}
const tree = Object.values(sdk)
  .filter((value) => value.prototype instanceof Error)
  .map((value) => [value.name, Object.getPrototypeOf(value).name]);
console.log(JSON.stringify({ raised, tree: Object.fromEntries(tree), names: Object.keys(sdk) }));
"""


@pytest.fixture
def typescript(project: Path) -> Mapping[str, Any]:
    """What the built package says of itself."""
    (project / "ask.mjs").write_text(ASK.replace("STATUSES", json.dumps(list(STATUSES))))
    said: Mapping[str, Any] = json.loads(run("node", "ask.mjs", cwd=project))
    return said


def documented_tree() -> dict[str, str]:
    """Each error of the page, and what it is a kind of."""
    (tree,) = TREE.findall(PAGE)
    above: list[str] = []
    found: dict[str, str] = {}
    for line in tree.splitlines():
        name = line.lstrip("│├└─ ")
        depth = (len(line) - len(name)) // 4
        above[depth:] = [name]
        found[name] = above[depth - 1] if depth else ""
    return found


def test_the_page_has_a_table_and_a_tree() -> None:
    assert set(CLASS_OF_STATUS) == {400, 401, 403, 409, 422, 429, 503}
    assert documented_tree()["APITimeoutError"] == "APIConnectionError"
    assert set(documented_tree()) == {"APIError", "ConfigurationError", *CLASS_OF}


def test_the_statuses_are_those_of_python() -> None:
    raised: dict[int, str] = {}
    for status in STATUSES:
        transport = httpx2.MockTransport(lambda request, status=status: httpx2.Response(status))
        with httpx2.Client(transport=transport) as http:
            client = conductor_sdk.ConductorClient("k", max_retries=0, http_client=http)
            with pytest.raises(conductor_sdk.APIError) as caught:
                client.request("GET", "/")
        raised[status] = type(caught.value).__name__
    assert raised == STATUSES


@needs_node
@pytest.mark.once
def test_the_statuses_are_those_of_typescript(typescript: Mapping[str, Any]) -> None:
    assert typescript["raised"] == {str(status): name for status, name in STATUSES.items()}


def test_the_tree_is_that_of_python() -> None:
    found = {
        name: value.__base__.__name__
        for name, value in vars(conductor_sdk).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    roots = {"APIError": "Exception", "ConfigurationError": "ValueError"}
    assert found == {**documented_tree(), **roots}


@needs_node
@pytest.mark.once
def test_the_tree_is_that_of_typescript(typescript: Mapping[str, Any]) -> None:
    roots = {"APIError": "Error", "ConfigurationError": "Error"}
    assert typescript["tree"] == {**documented_tree(), **roots}


def test_each_public_name_of_python_stands_on_the_page() -> None:
    names = conductor_sdk.__all__
    assert {name for name in names if not re.search(rf"\b{name}\b", PAGE)} == set()


@needs_node
@pytest.mark.once
def test_each_public_name_of_typescript_stands_on_the_page(
    typescript: Mapping[str, Any], project: Path
) -> None:
    names = exported(project / "node_modules" / "@your-org" / "conductor-sdk" / "dist" / "esm")
    assert set(typescript["names"]) <= names
    assert {name for name in names if not re.search(rf"\b{name}\b", PAGE)} == set()


def exported(folder: Path) -> set[str]:
    """All names, those of types too."""
    lists = re.findall(
        r"export (?:type )?\{(.*?)\}", (folder / "index.d.ts").read_text(), re.DOTALL
    )
    return {name.strip().removeprefix("type ") for text in lists for name in text.split(",")} - {""}


@pytest.mark.parametrize(
    "client", [conductor_sdk.ConductorClient, conductor_sdk.AsyncConductorClient]
)
def test_each_method_and_option_of_python_stands_on_the_page(client: type) -> None:
    methods = {name for name in vars(client) if not name.startswith("_")}
    options = {name for name in client.__init__.__annotations__ if name != "return"}
    assert {"health", "api_key"} <= methods | options
    assert {name for name in methods | options if not re.search(rf"\b{name}\b", PAGE)} == set()
