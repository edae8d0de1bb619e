"""Atomic files and checkpoints: one safetensors file each, verified when read."""
