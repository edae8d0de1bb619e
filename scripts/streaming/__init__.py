"""Commands whose streams are closed, full, without a reader, or of a terminal that was closed."""
