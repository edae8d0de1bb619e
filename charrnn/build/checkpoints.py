"""From a checkpoint to what it holds."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from charrnn import config as configuration
from charrnn.build.cells import parameter_shapes
from charrnn.build.models import load_parameters, network
from charrnn.config import Config
from charrnn.config.schema import RECORD_END
from charrnn.data.layout import layout_of
from charrnn.data.vocabulary import UNKNOWN, Vocabulary
from charrnn.errors import CheckpointError, ConfigError
from charrnn.nn.network import Network
from charrnn.storage.checkpoint import Checkpoint, require_shape
from charrnn.training.state import SavedState

OWN_TEXT, FOLDER = "text.txt", "checkpoints"


def config_of(checkpoint: Checkpoint, where: str) -> Config:
    """The configuration that a checkpoint was trained with.

    Raises CheckpointError where it is not one, or not the one of the checkpoint's parameters.
    """
    try:
        config = configuration.from_dict(checkpoint.meta.config, "it")
    except ConfigError as error:
        raise CheckpointError(
            f"its configuration is not one of this version:\n  {error}".replace("\nit:", "\n  it:"),
            where=where,
            then="read it with the charrnn that wrote it",
        ) from None
    K = len(checkpoint.meta.vocabulary.symbols)
    _require_fit(config, checkpoint, parameter_shapes(config, K), where)
    path = Path(where)
    return with_own_text(config, path.parent.parent) if path.parent.name == FOLDER else config


def with_own_text(config: Config, run: Path) -> Config:
    """The configuration of a run, which may have been moved with the text that stdin gave it."""
    names = tuple(
        str(run.resolve() / OWN_TEXT) if _is_moved(Path(name), run) else name
        for name in config.data.text
    )
    if names == config.data.text:
        return config
    return config.model_copy(update={"data": config.data.model_copy(update={"text": names})})


def _is_moved(text: Path, run: Path) -> bool:
    if text.name != OWN_TEXT or not text.is_absolute():
        return False
    return not text.exists() and (run / OWN_TEXT).is_file()


def vocabulary_of(checkpoint: Checkpoint) -> Vocabulary:
    """The vocabulary that travels with a checkpoint."""
    stored = checkpoint.meta.vocabulary
    data = checkpoint.meta.config.get("data")
    rare = isinstance(data, dict) and data.get("min_count", 1) != 1
    unknown = UNKNOWN if rare and UNKNOWN in stored.symbols else None
    return Vocabulary(stored.symbols, stored.unit, unknown)


def _require_fit(
    config: Config,
    checkpoint: Checkpoint,
    shapes: Iterable[tuple[str, tuple[int, ...]]],
    where: str,
) -> None:
    """The configuration, the vocabulary and the shapes of the parameters belong together.

    `shapes` are those that the configuration asks for, however many; no more of them are looked
    at than there are arrays. Raises CheckpointError.
    """
    vocabulary, arrays = checkpoint.meta.vocabulary, checkpoint.arrays
    if vocabulary.unit != config.data.unit:
        raise CheckpointError(
            f"is damaged: its vocabulary is of {vocabulary.unit}s, and its data.unit is "
            f"{config.data.unit}", where=where,
        )  # fmt: skip
    layout = layout_of(config.data)
    if layout.boundary is not None and layout.boundary not in vocabulary.symbols:
        raise CheckpointError(
            f"is damaged: its {layout.plural} have no end in its vocabulary", where=where
        )
    if RECORD_END in vocabulary.symbols and layout.boundary != RECORD_END:
        raise CheckpointError("is damaged: it has ends of records, and no records", where=where)
    for name, shape in shapes:
        if name not in arrays:
            raise CheckpointError(f"is damaged: it has no parameter {name}", where=where)
        require_shape(name, arrays[name], shape, where)


def restore_network(checkpoint: Checkpoint, where: str) -> tuple[Network, Vocabulary, Config]:
    """All that sampling and scoring need."""
    SavedState.of(checkpoint, where)  # a file with a right hash may still have been made by hand
    config, vocabulary = config_of(checkpoint, where), vocabulary_of(checkpoint)
    net = network(config, vocabulary.K, for_inference=True)
    load_parameters(net, checkpoint.arrays, where)
    return net, vocabulary, config
