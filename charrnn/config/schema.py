"""The configuration: every key, its type, its default and what it means.

Frozen and strict: an unknown key, a number in quotes or a value out of range is an error.
Rules that tie several keys together are in `rules.py`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from charrnn.nn.cells.registry import cell_names

# Every number has a range, so that arithmetic with it is of numbers that processors have.
Positive = Annotated[int, Field(ge=1, le=10**15)]
NotNegative = Annotated[int, Field(ge=0, le=10**15)]
Seed = Annotated[int, Field(ge=0, lt=2**64)]
Layers = Annotated[int, Field(ge=1, le=10_000)]
Threads = Annotated[int, Field(ge=1, le=4096)]
Held = Annotated[int, Field(ge=0, le=10**8)]  # characters in memory
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegativeFloat = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
EveryEpochOrSteps = Literal["epoch"] | Positive
UNKNOWN_CELL = "unknown_cell"
STDIN = "-"  # in data.text
# Ends a record: a noncharacter, which Unicode keeps for such uses and no text holds.
RECORD_END = "\ufdd0"


def _as_tuple(value: Any) -> Any:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def _as_string(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _known_cell(value: Any) -> Any:
    """A cell may be registered after this class was made, so the choice is no Literal."""
    if value not in cell_names():
        raise PydanticCustomError(UNKNOWN_CELL, "no cell of that name")
    return value


class Section(BaseModel):
    """Base of every part of the configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class DataConfig(Section):
    """The text and how it is split."""

    text: Annotated[tuple[str, ...], BeforeValidator(_as_tuple), Field(min_length=1)] = Field(
        default=("data/quickstart.txt",), description="files or globs, read in this order"
    )
    mode: Literal["stream", "lines", "records"] = Field(
        default="stream",
        description="stream: one text, state carried within an epoch and zero where one begins; "
        "lines: each line a sequence, state reset; records: so each record, of any lines",
    )
    separator: Annotated[str, Field(min_length=1, max_length=1000)] = Field(
        default="blank",
        description="what stands between records: blank, lines that are empty; file, each file is "
        'one; or a text, which "\\n%\\n" makes a line of its own (mode: records)',
    )
    unit: Literal["char", "byte"] = Field(
        default="char", description="what a symbol is: a Unicode code point or a byte"
    )
    encoding: str = Field(default="utf-8", description="how the files are encoded (unit: char)")
    newlines: Literal["keep", "lf"] = Field(
        default="keep",
        description="line ends: as they are in the files, or CR LF and CR read as LF",
    )
    split: Annotated[tuple[Fraction, Fraction, Fraction], BeforeValidator(_as_tuple)] = Field(
        default=(0.9, 0.1, 0.0),
        description="train, validation, test: contiguous, in order; lines, records and blocks are "
        "shuffled first",
    )
    split_by: Literal["position", "blocks"] = Field(
        default="position",
        description="a stream in the text's order, or in up to 100 blocks that are shuffled",
    )
    split_seed: Seed = Field(
        default=1, description="seed of the shuffle that splits lines, records and blocks"
    )
    on_unknown: Literal["error", "skip", "map"] = Field(
        default="error", description="for text with characters that the vocabulary lacks"
    )
    min_count: Positive = Field(
        default=1,
        description="characters that the text has fewer times are one unknown symbol, which is "
        "never sampled (unit: char)",
    )


class InitConfig(Section):
    """How one kind of matrix starts. Biases start at zero, the forget gate's at `forget_bias`."""

    scheme: Literal["uniform", "normal", "xavier", "orthogonal", "identity", "zeros"] = Field(
        default="xavier",
        description="each gate's block by itself: uniform on [-scale, scale]; normal with "
        "deviation scale; xavier, uniform on ±scale·sqrt(6/(fan_in + fan_out)), (D, H) being the "
        "fans of W, of the first layer (K, H); orthogonal rows or columns times scale; or scale "
        "times the identity",
    )
    scale: NotNegativeFloat | None = Field(
        default=None,
        description="null: 1/sqrt(H) for uniform and normal, 1 for the others",
    )


class Inits(Section):
    """Initialisation of W (input), U (recurrent) and V (output layer)."""

    W: InitConfig = InitConfig(scheme="xavier")
    U: InitConfig = InitConfig(scheme="orthogonal")
    V: InitConfig = InitConfig(scheme="xavier")


class ModelConfig(Section):
    """The network."""

    cell: Annotated[str, BeforeValidator(_known_cell)] = Field(
        default="lstm",
        description="kind of cell",
        json_schema_extra={"enum": list(cell_names())},
    )
    hidden_size: Positive = Field(default=128, description="H, hidden units of a layer")
    num_layers: Layers = Field(default=2, description="layers stacked")
    activation: Literal["tanh", "sigmoid", "relu"] = Field(
        default="tanh", description="rnn: the activation function"
    )
    bias: bool = Field(default=True, description="whether layers have b and the output layer c")
    forget_gate: bool = Field(
        default=True, description="lstm: false is the 1997 LSTM, a constant error carousel"
    )
    peepholes: bool = Field(default=False, description="lstm: gates see the cell state (P)")
    coupled_gates: bool = Field(default=False, description="lstm: f = 1 - i")
    forget_bias: float = Field(
        default=1.0,
        allow_inf_nan=False,
        description="lstm: initial bias of the forget gate; with coupled gates, of 1 - i",
    )
    cell_input: Literal["tanh", "logistic", "identity"] = Field(
        default="tanh",
        description="lstm: activation of the cell input; logistic is 4σ(x) - 2, as in 1997",
    )
    cell_output: Literal["tanh", "logistic", "identity"] = Field(
        default="tanh",
        description="lstm: activation of the cell output; logistic is 2σ(x) - 1, as in 1997",
    )
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.0, description="share of units dropped between layers and before the output layer"
    )
    variational_dropout: bool = Field(
        default=False, description="drop the same units of a stream at all steps of an update"
    )
    weight_dropout: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.0, description="share of the recurrent weights U dropped for an update"
    )
    init: Inits = Field(default=Inits(), description="initialisation of W, U and V")


class BpttConfig(Section):
    """How far, and how often, gradients go back through time."""

    mode: Literal["truncated", "full"] = Field(
        default="truncated", description="truncated (k1, k2), or full over each sequence"
    )
    k1: Positive = Field(default=50, description="characters between updates (truncated)")
    k2: Positive = Field(
        default=50, description="characters gradients go back, at most; k1 where only k1 is given"
    )
    cell_truncation: Annotated[Literal["none", "1997"], BeforeValidator(_as_string)] = Field(
        default="none",
        description="1997 (lstm): gradients leave a memory block in time only by its cell state",
    )
    window: Literal["auto"] | Positive = Field(
        default="auto",
        description="characters of tape kept at once; auto is all of a short sequence, "
        "about sqrt(T) of a long one; does not change the gradient, but which units "
        "model.dropout drops where there are several windows",
    )

    @model_validator(mode="before")
    @classmethod
    def _k2_follows_k1(cls, values: Any) -> Any:
        if isinstance(values, dict) and "k1" in values and "k2" not in values:
            return {**values, "k2": values["k1"]}
        return values


class ScheduleConfig(Section):
    """The learning rate over the run."""

    name: Literal["constant", "step", "exponential", "linear", "cosine", "plateau"] = Field(
        default="constant", description="shape of the learning rate over the run"
    )
    warmup_steps: NotNegative = Field(
        default=0,
        description="N steps of linear rise from 1/N, which multiply the shape that runs meanwhile",
    )
    factor: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.97,
        description="multiplier of a drop (step, plateau), or of an epoch, continuously: "
        "factor^epochs, 2.5 epochs counting as such (exponential)",
    )
    after: NotNegative = Field(
        default=10, description="step: whole epochs before the first drop; 0 is 1"
    )
    every: Positive = Field(default=1, description="step: epochs between drops")
    patience: Positive = Field(
        default=3, description="plateau: evaluations without a better loss before a drop"
    )
    final: Fraction = Field(default=0.0, description="linear, cosine: share left at the end")


class OptimConfig(Section):
    """How gradients become updates."""

    name: Literal["sgd", "momentum", "adagrad", "rmsprop", "adam", "adamw"] = Field(
        default="adam", description="optimiser"
    )
    learning_rate: PositiveFloat = Field(default=0.002, description="step size")
    momentum: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.9, description="momentum: decay of the velocity"
    )
    nesterov: bool = Field(default=False, description="momentum: look ahead (Nesterov)")
    rho: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.95, description="rmsprop: decay of the mean square"
    )
    beta1: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.9, description="adam, adamw: decay of the mean"
    )
    beta2: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.999, description="adam, adamw: decay of the mean square"
    )
    epsilon: PositiveFloat = Field(default=1e-8, description="added to the root in a denominator")
    weight_decay: NotNegativeFloat = Field(
        default=0.0, description="adamw: decay of the matrices (not of biases), times the rate"
    )
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None,
        description="decay of the moving mean of the weights that is validated, sampled and kept, "
        "min(ema_decay, n/(n + 9)) after n updates; null: the weights themselves",
    )
    grad_clip: PositiveFloat | None = Field(
        default=5.0, description="clipping threshold; null is no clipping"
    )
    grad_clip_mode: Literal["norm", "value"] = Field(
        default="norm", description="rescale the whole gradient (norm), or clip elements (value)"
    )
    schedule: ScheduleConfig = ScheduleConfig()


class TrainConfig(Section):
    """The loop: how long, how often, from which seed."""

    batch_size: Positive = Field(default=50, description="B, parallel streams, lines or records")
    epochs: PositiveFloat | None = Field(default=50, description="passes over the training part")
    steps: NotNegative | None = Field(default=None, description="updates")
    minutes: PositiveFloat | None = Field(default=None, description="minutes of training")
    whole_epochs: bool = Field(
        default=False,
        description="minutes end the run with an epoch, the last that fits in them, if one does; "
        "linear and cosine schedules then run over the epochs that fit",
    )
    seed: Seed = Field(default=1, description="seed of everything random")
    loss_reduction: Literal["mean", "sum"] = Field(
        default="mean", description="mean per character, or sum over each sequence's window"
    )
    eval_every: EveryEpochOrSteps = Field(default="epoch", description="epoch, or steps")
    checkpoint_every: EveryEpochOrSteps = Field(default="epoch", description="epoch, or steps")
    keep: NotNegative = Field(default=1, description="checkpoints kept besides best and last")
    early_stopping: Positive | None = Field(
        default=None, description="evaluations without a better validation loss before stopping"
    )
    on_divergence: Literal["stop", "rollback"] = Field(
        default="stop",
        description="stop with an error, or go back to the last good checkpoint at half the rate",
    )
    max_rollbacks: Positive = Field(
        default=5, description="on_divergence: rollback: how often in a run, before it stops"
    )
    sample_length: Held = Field(
        default=200, description="characters sampled at each evaluation; 0 is none"
    )
    log_every: Literal["auto"] | Positive = Field(
        default="auto", description="steps between lines of metrics.jsonl; auto: within a second"
    )


class NgramConfig(Section):
    """The n-gram that is mixed with the network; see docs/mixture.md."""

    order: Literal["auto"] | Annotated[int, Field(ge=0, le=255)] = Field(
        default=0,
        description="characters of the longest grams, counted in the training part when training "
        "ends: 0 is no n-gram; auto chooses",
    )


class RuntimeConfig(Section):
    """What the numbers are computed with."""

    dtype: Literal["float32", "float64"] = Field(default="float32", description="of all arrays")
    kernels: Literal["auto", "numpy", "numba"] = Field(
        default="auto",
        description="the hot loops: plain NumPy, or compiled (the extra fast); auto: compiled "
        "where installed and hidden_size is 32 or more",
    )
    threads: Literal["auto"] | Threads = Field(
        default="auto",
        description="threads that split the streams, or BLAS's for few streams; auto: all cores, "
        "and one for a small model",
    )


class Config(Section):
    """A whole configuration, as `charrnn config show` prints it."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    bptt: BpttConfig = BpttConfig()
    optim: OptimConfig = OptimConfig()
    train: TrainConfig = TrainConfig()
    ngram: NgramConfig = NgramConfig()
    runtime: RuntimeConfig = RuntimeConfig()
