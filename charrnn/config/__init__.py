"""The configuration: schema, rules and loading."""

from charrnn.config.explain import known_keys
from charrnn.config.idle import idle
from charrnn.config.loading import from_dict, load, to_yaml
from charrnn.config.schema import Config

__all__ = ["Config", "from_dict", "idle", "known_keys", "load", "to_yaml"]
