"""charrnn: character-level RNN, LSTM and GRU language models with proved gradients.

>>> model = charrnn.load("runs/tiny")
>>> text = "".join(model.sample("The ", length=200, seed=1))
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from charrnn import errors as errors
    from charrnn.api.evaluation import Evaluation as Evaluation
    from charrnn.api.model import Model as Model
    from charrnn.api.model import load as load
    from charrnn.api.notices import Notice as Notice
    from charrnn.api.run import Run as Run
    from charrnn.api.running import Training as Training
    from charrnn.api.scores import Scores as Scores
    from charrnn.api.settings import load_config as load_config
    from charrnn.api.training import resume as resume
    from charrnn.api.training import train as train
    from charrnn.api.training import training_events as training_events
    from charrnn.config import Config as Config
    from charrnn.training import events as events

__version__ = "0.1.0"

__all__ = [
    "Config", "Evaluation", "Model", "Notice", "Run", "Scores", "Training", "__version__",
    "errors", "events", "load", "load_config", "resume", "train", "training_events",
]  # fmt: skip

# Imported when they are first used: `charrnn --help` and `import charrnn` are quick.
_HOME = {
    "Config": "config", "Evaluation": "api.evaluation", "Model": "api.model",
    "Notice": "api.notices", "Run": "api.run", "Scores": "api.scores", "Training": "api.running",
    "load": "api.model", "load_config": "api.settings", "resume": "api.training",
    "train": "api.training", "training_events": "api.training",
}  # fmt: skip
_MODULES = {"errors": "errors", "events": "training.events"}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        found: Any = import_module(f"charrnn.{_MODULES[name]}")
    elif name in _HOME:
        found = getattr(import_module(f"charrnn.{_HOME[name]}"), name)
    else:
        raise AttributeError(f"module 'charrnn' has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
