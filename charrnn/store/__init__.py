"""Checkpoints: one safetensors file each, written atomically, verified when read."""

from charrnn.store.checkpoint import Checkpoint, read, write
from charrnn.store.folder import CheckpointFolder, locate

__all__ = ["Checkpoint", "CheckpointFolder", "locate", "read", "write"]
