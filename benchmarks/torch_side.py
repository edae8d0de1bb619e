"""PyTorch's side of the benchmarks: the same model, as a PyTorch user would write it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from made_names import names
from measuring import TEXT, Spec
from torch.nn.functional import cross_entropy, one_hot

K = 65
CELLS = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}
CLIP, RATE = 5.0, 2e-3  # the norm that gradients are cut to, and Adam's rate: charrnn's defaults


class Model:
    """One-hot characters, a stack of cells, a linear readout."""

    def __init__(self, spec: Spec) -> None:
        self.K = spec.get("K", K)
        self.rnn = CELLS[spec.get("cell", "lstm")](self.K, spec["H"], spec["layers"])
        self.readout = torch.nn.Linear(spec["H"], self.K)
        self.parameters = [*self.rnn.parameters(), *self.readout.parameters()]

    def __call__(self, x: torch.Tensor, state: Any) -> tuple[torch.Tensor, Any]:
        """Logits (T, B, K) for ids (T, B), and the state after them."""
        out, state = self.rnn(one_hot(x, self.K).float(), state)
        return self.readout(out), state


def window(spec: Spec) -> Callable[[], object]:
    """One window forward and backward, state carried."""
    return _learning(spec, with_update=False)


def step(spec: Spec) -> Callable[[], object]:
    """One update: gradient, clipping by norm, Adam."""
    return _learning(spec, with_update=True)


def _learning(spec: Spec, *, with_update: bool) -> Callable[[], object]:
    torch.set_num_threads(spec.get("threads", 2))
    model = Model(spec)
    adam = torch.optim.Adam(model.parameters, lr=RATE)
    T, B = spec["T"], spec["B"]
    x, y = torch.randint(0, model.K, (T, B)), torch.randint(0, model.K, (T, B))
    state: Any = None

    def one() -> object:
        nonlocal state
        adam.zero_grad(set_to_none=True)
        _, state = _backward(model, x, y, state)
        if with_update:
            torch.nn.utils.clip_grad_norm_(model.parameters, CLIP)
            adam.step()
        return state

    return one


def _backward(model: Model, x: torch.Tensor, y: torch.Tensor, state: Any) -> tuple[float, Any]:
    """The gradient of a window; its loss and the state to carry."""
    logits, state = model(x, state)
    loss = cross_entropy(logits.reshape(-1, model.K), y.reshape(-1))
    loss.backward()
    if isinstance(state, tuple):
        return loss.item(), tuple(part.detach() for part in state)
    return loss.item(), state.detach()


def epoch_of_lines(spec: Spec) -> Callable[[], object]:
    """All updates of an epoch: names padded to the longest of a batch, on tensors beforehand.

    Batches are as the names come, or, if `grouped`, of names of about the same length.
    """
    torch.set_num_threads(spec.get("threads", 2))
    model = Model({**spec, "K": 27})
    adam = torch.optim.Adam(model.parameters, lr=RATE)
    ordered, B = names(spec), spec["B"]
    if spec.get("grouped"):
        ordered = sorted(ordered, key=len)
    batches = [_padded(ordered[start : start + B]) for start in range(0, len(ordered), B)]

    def epoch() -> None:
        for x, y in batches:
            adam.zero_grad(set_to_none=True)
            _backward(model, x, y, None)
            torch.nn.utils.clip_grad_norm_(model.parameters, CLIP)
            adam.step()

    return epoch


def _padded(lines: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids (T, B) of inputs and targets, 0 between lines; targets that do not count are -100."""
    x = torch.zeros((max(map(len, lines)) + 1, len(lines)), dtype=torch.int64)
    y = torch.full_like(x, -100)
    for b, line in enumerate(lines):
        ids = torch.tensor([ord(letter) - 96 for letter in line])
        x[1 : len(line) + 1, b] = ids
        y[: len(line), b], y[len(line), b] = ids, 0
    return x, y


def reading(spec: Spec) -> Callable[[], object]:
    """The nats of one window, nothing flowing back, state carried."""
    torch.set_num_threads(spec.get("threads", 2))
    model = Model(spec)
    x, y = torch.randint(0, model.K, (2, spec["T"], spec["B"]))
    state: Any = None

    def one() -> object:
        nonlocal state
        with torch.inference_mode():
            logits, state = model(x, state)
            return cross_entropy(logits.reshape(-1, model.K), y.reshape(-1), reduction="none")

    return one


def train(spec: Spec) -> float:
    """So many updates on the bundled text: the script whose memory is measured. The last loss."""
    torch.set_num_threads(spec.get("threads", 2))
    text = TEXT.read_text()
    ids = {symbol: index for index, symbol in enumerate(sorted(set(text)))}
    T, B = spec["T"], spec["B"]
    streams = torch.tensor([ids[symbol] for symbol in text])
    streams = streams[: len(streams) // B * B].reshape(B, -1).T.contiguous()
    model = Model({**spec, "K": len(ids)})
    adam = torch.optim.Adam(model.parameters, lr=RATE)
    loss, state = 0.0, None
    for start in range(0, spec["steps"] * T, T):
        adam.zero_grad(set_to_none=True)
        x, y = streams[start : start + T], streams[start + 1 : start + T + 1]
        loss, state = _backward(model, x, y, state)
        torch.nn.utils.clip_grad_norm_(model.parameters, CLIP)
        adam.step()
    return loss


def sampling(spec: Spec) -> Callable[[], object]:
    """`length` characters of B streams, stepped one by one."""
    torch.set_num_threads(spec["threads"])
    model = Model(spec)

    def one() -> object:
        x, state = torch.zeros((1, spec["B"]), dtype=torch.int64), None
        with torch.no_grad():
            for _ in range(spec["length"]):
                logits, state = model(x, state)
                x = torch.multinomial(torch.softmax(logits[0], dim=-1), 1).T
        return x

    return one
