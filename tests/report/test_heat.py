"""The coloured text: on a terminal, without colours, and as a page that nothing can be put into."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from math import log

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charrnn.report.heat import LEVELS, coloured, levels, page, with_digits

K = 16


def of_bits(*bits):
    return np.array(bits) * log(2)


def test_levels_go_to_twice_the_uniform_baseline():
    assert levels(of_bits(0, 4, 7.99, 8, 99, np.nan), K).tolist() == [0, 5, 9, 9, 9, 0]
    assert levels(np.array([np.inf]), K).tolist() == [LEVELS]


def test_on_a_terminal_each_line_ends_in_no_colour():
    text = coloured("ab\x1b\nc\n", of_bits(0, 5, 5, 0, np.nan, 8), K)
    assert text == (
        "a\x1b[48;5;202;38;5;16mb\\x1b\x1b[0m\nc\x1b[48;5;124;38;5;231m↵\x1b[0m\n"
    )  # fmt: skip
    assert "\x1b[0m\n" not in coloured("ab\n", of_bits(0, 0, 0), K)


def test_without_colours_digits_stand_below():
    assert with_digits("ab\n世c\t", of_bits(1, 12, 0.4, 2, 3, np.nan)) == "ab↵\n19.\n世c→\n2 3\n"


class Page(HTMLParser):
    def __init__(self, data):
        super().__init__()
        self.tags, self.classes, self.text = [], [], []
        self.feed(data.decode())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.classes.append(dict(attrs).get("class"))

    def handle_data(self, data):
        self.text.append(data)


@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("<>&\"'\n"), max_size=30))
def test_a_page_shows_any_text_and_holds_no_element_of_it(text):
    nats = np.resize(of_bits(0, 3, 9, np.nan), len(text))
    found = Page(page("<script>", [("<b>.txt", text, nats)], K))
    assert set(found.tags) <= {"html", "meta", "title", "style", "h1", "h2", "p", "pre", "b"}
    shown = "".join(found.text)
    assert "<script>" in shown
    assert "<b>.txt" in shown
    plain = [c for c in text if c.isprintable() and c not in "\n"]
    body = shown.partition("<b>.txt")[2]
    assert all(c in body for c in plain)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f]", body)


def test_a_page_asks_nobody_for_anything():
    data = page(
        "run", [("a", "ab", of_bits(1, 8)), ("a", "c", of_bits(2)), ("b", "d", of_bits(0))], K
    )
    text = data.decode()
    assert "default-src 'none'" in text
    assert not re.search("https?:|url\\(|<script|src=", text)
    assert text.count("<h2>") == 2
    assert "4 characters, 2.750 bits per character" in text
    assert 'class="h9" title="8.00 bits">b</b>' in text


def test_a_page_says_what_it_has_no_room_for(monkeypatch):
    monkeypatch.setattr("charrnn.report.heat.MOST", 3)
    pieces = [("a", "abcd", of_bits(0, 0, 0, 0)), ("a", "ef", of_bits(0, 0))]
    text = page("run", pieces, K).decode()
    assert "<pre>abc</pre>" in text
    assert "and 3 more characters" in text
