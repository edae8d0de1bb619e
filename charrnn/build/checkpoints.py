"""From a checkpoint to what it holds."""

from __future__ import annotations

from charrnn import config as configuration
from charrnn.build.models import load_parameters, network, parameter_shapes
from charrnn.config import Config
from charrnn.data.vocabulary import Vocabulary
from charrnn.errors import CheckpointError, ConfigError
from charrnn.nn.network import Network
from charrnn.storage.checkpoint import Checkpoint
from charrnn.training.restoring import check_model


def config_of(checkpoint: Checkpoint, where: str) -> Config:
    """The configuration that a checkpoint was trained with.

    Raises CheckpointError where it is not one, or not the one of the checkpoint's parameters.
    """
    try:
        config = configuration.from_dict(checkpoint.meta["config"], "it")
    except ConfigError as error:
        raise CheckpointError(
            f"its configuration is not one of this version:\n  {error}".replace("\nit:", "\n  it:"),
            where=where,
            then="read it with the charrnn that wrote it",
        ) from None
    K = len(checkpoint.meta["vocabulary"]["symbols"])
    check_model(config, checkpoint, parameter_shapes(config, K), where)
    return config


def vocabulary_of(checkpoint: Checkpoint) -> Vocabulary:
    """The vocabulary that travels with a checkpoint."""
    stored = checkpoint.meta["vocabulary"]
    return Vocabulary(stored["symbols"], stored["unit"])


def restore_network(checkpoint: Checkpoint, where: str) -> tuple[Network, Vocabulary, Config]:
    """All that sampling and scoring need."""
    config, vocabulary = config_of(checkpoint, where), vocabulary_of(checkpoint)
    net = network(config, vocabulary.K, for_inference=True)
    load_parameters(net, checkpoint.arrays, where)
    return net, vocabulary, config
