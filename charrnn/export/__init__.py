"""Models for other programs, and from them: PyTorch's layout, ONNX, and a web page."""

from charrnn.export.formats import Format, to_bytes
from charrnn.export.importing import starting_point

__all__ = ["Format", "starting_point", "to_bytes"]
