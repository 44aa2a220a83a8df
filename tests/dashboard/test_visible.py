"""Hostile names: what can't be seen, or turns the text around it, is written as its number."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from bearer_auth.dashboard.visible import visible


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nightly backup",
        "<script>alert(1)</script>",
        "Überweisung",
        "日本語のキー",
        "ключ",
        "مفتاح",
        "é",  # a letter and a combining mark
        "หมู่",
        "हिन्दी",
        "🔑",
        "naïve “quotes”, 100 €",
    ],
)
def test_what_can_be_seen_stays(text):
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("exe\u202egnp.", "exe[U+202E]gnp."),
        ("a\u2066b\u2069", "a[U+2066]b[U+2069]"),
        ("a\u200eb\u200fc\u061cd", "a[U+200E]b[U+200F]c[U+061C]d"),
        ("ad\u200bmin", "ad[U+200B]min"),
        ("ad\u200c\u200dmin", "ad[U+200C][U+200D]min"),
        ("\ufeffadmin", "[U+FEFF]admin"),
        ("ad\u00admin", "ad[U+00AD]min"),
        ("a\u2060b", "a[U+2060]b"),
        ("a\u00a0b", "a[U+00A0]b"),
        ("a\u2003b\u3000c", "a[U+2003]b[U+3000]c"),
        ("a\u2028b\u2029c", "a[U+2028]b[U+2029]c"),
        ("\u3164", "[U+3164]"),
        ("\u2800", "[U+2800]"),
        ("a\u034fb", "a[U+034F]b"),
        ("admin\ufe0f", "admin[U+FE0F]"),
        ("admin\U000e0100", "admin[U+E0100]"),
        ("a\u180bb\u180fc", "a[U+180B]b[U+180F]c"),
        ("\U000e0041\U000e007f", "[U+E0041][U+E007F]"),
        ("\U000e0002", "[U+E0002]"),  # unassigned, and shown as nothing
        ("\u2065", "[U+2065]"),
        ("\U0001d173", "[U+1D173]"),
        ("\U0001d159", "[U+1D159]"),
        ("\ue000", "[U+E000]"),
        ("\ud800", "[U+D800]"),
        ("é\x7f\x85", "é[U+007F][U+0085]"),
        ("é\0", "é[U+0000]"),
        ("a\x7fb", "a[U+007F]b"),
        ("a\x1bb", "a[U+001B]b"),
    ],
)
def test_what_can_not_be_seen_is_written_as_its_number(text, shown):
    assert visible(text) == shown


@given(st.text())
def test_nothing_that_is_written_is_hidden(text):
    hidden = ("Cf", "Co", "Cs", "Zl", "Zp", "Cn")
    assert not [c for c in visible(text) if unicodedata.category(c) in hidden]


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"])))
def test_it_is_shown_in_another_way_or_as_it_is(text):
    # never shorter: nothing is swallowed
    assert len(visible(text)) >= len(text)


def test_line_breaks_and_tabs_of_our_own_stay():
    assert visible('{\n\t"ort": "Köln"\n}') == '{\n\t"ort": "Köln"\n}'


def test_markup_and_other_values_are_left_alone():
    markup = Markup("<b>\u202e</b>")
    assert visible(markup) is markup
    assert visible(7) == 7
    assert visible(None) is None
