"""The numeric core: arrays in, arrays out; it knows no YAML and no files."""
