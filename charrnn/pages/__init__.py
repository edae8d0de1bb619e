"""Web pages that are one file: what the report and an exported model have in common."""

from charrnn.pages.document import document, embedded

__all__ = ["document", "embedded"]
