"""The formats that a model can be written in, by their names on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from numpy.typing import NDArray

from charrnn import build
from charrnn.config import Config
from charrnn.data.vocabulary import Vocabulary
from charrnn.errors import MissingExtraError, UsageError, argument
from charrnn.export.html import PageOptions, to_html_bytes
from charrnn.export.torch_file import to_torch_bytes
from charrnn.nn.cells.registry import cell_class, cell_names
from charrnn.runtime.installation import install_command

Format = Literal["torch", "onnx", "html"]


def to_bytes(
    form: Format, config: Config, vocabulary: Vocabulary, parameters: Mapping[str, NDArray[Any]],
    page: PageOptions | None = None,
) -> bytes:  # fmt: skip
    """The content of a file of that format; `page` is for html alone.

    Raises UsageError for a model that the format cannot express, MissingExtraError where ONNX is
    asked for and not installed.
    """
    exports = build.cell(config, vocabulary.K).exports
    if form not in exports:
        able = [name for name in cell_names() if form in cell_class(name).exports]
        raise UsageError(
            f"the format {form} has no cell like {config.model.cell}; it has {', '.join(able)}",
            where=argument("to", form),
        )
    if form == "torch":
        return to_torch_bytes(config, vocabulary, parameters)
    if form == "html":
        return to_html_bytes(config, vocabulary, parameters, page or PageOptions())
    try:
        from charrnn.export.onnx_model import to_onnx_bytes
    except ImportError as error:
        raise MissingExtraError(
            f"{argument('to', 'onnx')} needs the package onnx ({error})",
            then=install_command("onnx"),
        ) from None
    return to_onnx_bytes(config, vocabulary, parameters)
