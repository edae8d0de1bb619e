"""charrnn: character-level RNN, LSTM and GRU language models with proved gradients.

>>> model = charrnn.load("runs/tiny")
>>> text = "".join(model.sample("The ", length=200, seed=1))
"""

from importlib import import_module

__version__ = "0.1.0"

# Imported when they are first used: `charrnn --help` and `import charrnn` are quick. The stub
# __init__.pyi tells type checkers the same.
_HOME = {
    "Config": "config", "Evaluation": "api.evaluation", "GradientCheck": "api.gradcheck",
    "GradientFlow": "api.gradflow", "Inspection": "api.inspection", "Model": "api.model",
    "MixResult": "api.mixing",
    "Notice": "errors", "Run": "api.run", "Scores": "api.scores", "SweepResult": "api.sweep",
    "TextSurvey": "api.survey", "Training": "api.run", "gradcheck": "api.gradcheck",
    "gradflow": "api.gradflow", "inspect": "api.inspection", "load": "api.model",
    "list_runs": "api.listing", "RunInfo": "runs.listing", "Plan": "runs.planning",
    "plan": "api.planning",
    "load_config": "api.settings", "mix": "api.mixing", "resume": "api.training",
    "survey": "api.survey", "sweep": "api.sweep", "train": "api.training",
    "training_events": "api.training", "write_report": "api.writing",
}  # fmt: skip
_MODULES = {"errors": "errors", "events": "training.events"}

__all__ = sorted([*_HOME, *_MODULES, "__version__"])


def __getattr__(name: str) -> object:
    if name in _MODULES:
        found: object = import_module(f"charrnn.{_MODULES[name]}")
    elif name in _HOME:
        found = getattr(import_module(f"charrnn.{_HOME[name]}"), name)
    else:
        raise AttributeError(f"module 'charrnn' has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
