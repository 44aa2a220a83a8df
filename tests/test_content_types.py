"""Which bodies are taken."""

import pytest

from bearer_auth.content_types import ContentTypes
from bearer_auth.errors import ConfigurationError


@pytest.mark.parametrize(
    "header",
    [
        "application/json",
        "APPLICATION/Json",
        "application/json;charset=utf-8",
        "application/json ; charset=utf-8",
        " \tapplication/json\t ",
        "application/json;",
        'application/json; a="b;c"',
        "application/problem+json",
        "application/vnd.api+JSON; x=y",
    ],
)
def test_json_is_taken_with_parameters_and_as_a_suffix(header):
    assert ContentTypes(["application/json"]).accepts(header)


@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        ";",
        "application",
        "application/",
        "/json",
        "json",
        "application/jsonx",
        "xapplication/json",
        "application/json+xml",
        "text/plain+json",
        "text/json",
        "text/plain",
        "application/json, text/plain",
        "application/json,application/json",
        "application/json; a=b, text/plain",
        "application/json\n",
        "application/json;\r\nX: y",
        "application/json;\x00",
        "application/json\x0b",
        "application /json",
        "application/json text/plain",
        "application/j\u017fon",  # a letter whose upper case is S
        "\xa0application/json",
        '"application/json"',
    ],
)
def test_nothing_else_is_taken_for_json(header):
    assert not ContentTypes(["application/json"]).accepts(header)


def test_a_whole_type_can_be_taken():
    types = ContentTypes(["image/*", "Text/CSV", "image/*"])
    assert types.names == ("image/*", "text/csv")
    assert repr(types) == "ContentTypes(('image/*', 'text/csv'))"
    taken = ["image/png", "IMAGE/svg+xml; a=b", "text/csv"]
    others = ["imagex/png", "image", "image/", "text/plain", "application/x+json", "a/image/png"]
    assert [header for header in taken + others if types.accepts(header)] == taken


def test_the_json_suffix_belongs_to_json_only():
    assert not ContentTypes(["application/xml"]).accepts("application/problem+json")


@pytest.mark.parametrize(
    "name",
    ["", "json", "*/*", "*", "application/*+json", "application/json; charset=utf-8", "a/b,c/d"],
)
def test_a_name_that_is_no_media_type_is_refused(name):
    with pytest.raises(ConfigurationError, match="write 'type/subtype' or 'type/"):
        ContentTypes([name])


def test_no_names_at_all_are_refused():
    with pytest.raises(ConfigurationError, match="write None to accept any"):
        ContentTypes([])


def test_a_lone_string_is_refused():
    with pytest.raises(TypeError, match=r"content_types must be a list; write content_types=\[…\]"):
        ContentTypes("application/json")
    with pytest.raises(TypeError, match="a content type must be text, not int"):
        ContentTypes([1])
