"""Tables as text, Markdown and LaTeX: what cells hold is shown as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn import config
from charrnn.report.sweep import table as sweep_table
from charrnn.report.tables import Table, in_latex, in_markdown, one_line
from charrnn.runs.sweep.plan import Point
from charrnn.runs.sweep.results import Row

TRICKY = Table(
    ["run", "± std", "5 % & more"],
    [["a|b_c*d*", "1,234", "-"], ["<b>`x`\\$y$ [1](2)~~z~~ &amp;", "", "7 × 8"]],
    "lrr",
    ["a note_with_marks"],
)


def test_text_is_aligned_and_has_no_blanks_at_line_ends():
    assert Table(["run", "nats"], [["a", "1.5"], ["bcde", "10.25"]], "lr", ["note"]).render() == (
        "run    nats\na       1.5\nbcde  10.25\nnote"
    )


def test_markdown_shows_what_the_cells_hold():
    """By an independent implementation of GitHub's Markdown."""
    parser = pytest.importorskip("markdown_it").MarkdownIt("gfm-like", {"linkify": False})
    tokens = parser.parse(TRICKY.render("markdown"))
    inlines = [token for token in tokens if token.type == "inline"]
    shown = ["".join(child.content for child in inline.children) for inline in inlines]
    assert shown == [*TRICKY.heads, *TRICKY.rows[0], *TRICKY.rows[1], *TRICKY.notes]
    assert all(child.type == "text" for inline in inlines for child in inline.children)


def test_latex_of_a_table():
    assert TRICKY.render("latex").splitlines()[3:7] == [
        r"run & $\pm$ std & 5 \% \& more \\",
        r"\midrule",
        r"a\textbar{}b\_c*d* & 1,234 & - \\",
        r"\textless{}b\textgreater{}\textasciigrave{}x\textasciigrave{}\textbackslash{}\$y\$ "
        r"[1](2)\textasciitilde{}\textasciitilde{}z\textasciitilde{}\textasciitilde{} \&amp; & "
        r" & 7 $\times$ 8 \\",
    ]


WORDS = {
    r"\textbackslash{}": "\\", r"\textasciicircum{}": "^", r"\textasciitilde{}": "~",
    r"\textless{}": "<", r"\textgreater{}": ">", r"\textbar{}": "|", r"\textquotesingle{}": "'",
    r"\textasciigrave{}": "`", "-{}": "-", ",{}": ",",
}  # fmt: skip


def set_by_latex(source: str) -> str:
    """What a small part of TeX's rules makes of it: the words above, and \\X for a mark X."""
    found = []
    while source:
        word = next((w for w in WORDS if source.startswith(w)), None)
        mark = re.match(r"\\([{}$&#%_])", source)
        if word or mark:
            found.append(WORDS[word] if word else mark[1])
            source = source[len(word) if word else 2 :]
        else:
            assert source[0] not in "\\{}$&#%_^~<>|", source
            found.append(source[0])
            source = source[1:]
    return "".join(found)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_latex_shows_what_the_cells_hold(text):
    assert set_by_latex(in_latex(text)) == text
    assert not re.search("--|,,", in_latex(text))


@given(st.text())
def test_a_cell_is_one_line_and_moves_no_cursor(text):
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202e]", one_line(text))
    assert "\n" not in in_markdown(one_line(text))
    assert Table(["x"], [[text]], "l").render("markdown").count("\n") == 2


def test_a_row_that_begins_with_a_bracket_is_no_argument():
    assert "{}[1] \\\\" in Table(["x"], [["[1]"]], "l").render("latex")


def test_the_table_of_a_sweep_for_a_paper():
    settings = {"variant": "no_bias & more", "train.seed": 1}
    point = Point("a", settings, config.load(None), 1234)
    rows = [Row(point, "done", {"best_val_loss": loss}) for loss in (1.5, 1.75)]
    markdown = sweep_table(rows, Path("runs/x"), "markdown").splitlines()
    assert markdown[2] == (
        r"| no\_bias \& more | 128 | 1,234 | 1.6250 | 0.1768 | 1.5000 to 1.7500 | 2 |"
    )
    latex = sweep_table(rows, Path("runs/x"), "latex").splitlines()
    assert latex[1] == r"\begin{tabular}{lrrrrrr}"
    assert latex[5].startswith(r"no\_bias \& more & 128 & 1,234 & 1.6250")
    failed = [Row(point, "failed", {})]
    assert "1 failed" in sweep_table(failed, Path("runs/x"), "latex")
    assert sweep_table(rows, Path("runs/x")).splitlines()[-1].startswith("tables: ")
