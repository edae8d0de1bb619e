"""The configuration: schema, rules and loading."""

from charrnn.config.explain import known_keys
from charrnn.config.loading import flat, from_dict, load, to_yaml
from charrnn.config.rules import unused_keys
from charrnn.config.schema import Config

__all__ = ["Config", "flat", "from_dict", "known_keys", "load", "to_yaml", "unused_keys"]
