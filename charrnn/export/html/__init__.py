"""A model as one web page that runs it."""

from charrnn.export.html.page import PageOptions, to_html_bytes

__all__ = ["PageOptions", "to_html_bytes"]
