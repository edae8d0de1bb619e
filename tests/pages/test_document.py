"""The frame of a page holds whatever text there is."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from charrnn.pages import embedded


@given(st.text())
def test_no_text_ends_the_script_element(text):
    packed = embedded([text])
    assert "<" not in packed
    assert packed.isascii()
    assert json.loads(packed) == [text]
