"""A stack of cells, an output layer and a loss, stepped through time one character at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.analysis.gradcheck.reference.cells import STEPS, Weights, cross_entropy, product

Array = NDArray[Any]


@dataclass(frozen=True)
class ReferenceNetwork:
    """What a model computes, as its equations say it.

    `parameters` are the named arrays of a checkpoint (`layers.0.W`, …, `output.V`, `output.c`);
    `state` is (L, n, B, H), where n is 1, or 2 for the LSTM: h, then s.
    `options` are the cell's own, by their names in a configuration.
    """

    cell: str
    num_layers: int
    options: Mapping[str, Any] = field(default_factory=dict)

    def layer(self, parameters: Weights, index: int) -> Weights:
        prefix = f"layers.{index}."
        return {n.removeprefix(prefix): a for n, a in parameters.items() if n.startswith(prefix)}

    def step(
        self,
        parameters: Weights,
        x: Array,
        state: Sequence[Sequence[Array]],
        masks: Sequence[Array] | None = None,
    ) -> tuple[Array, list[list[Array]]]:
        """One character: one-hot x (B, K) and the states to logits z (B, K) and new states.

        `masks[l]` (B, H), already scaled, multiplies the output of layer l on its way up.
        """
        above: list[list[Array]] = []
        for index in range(self.num_layers):
            p = self.layer(parameters, index)
            new = STEPS[self.cell](p, x, state[index], **self.options)
            above.append(new)
            x = new[0] if masks is None else new[0] * masks[index]
        z = product(x, parameters["output.V"])
        if "output.c" in parameters:
            z = z + parameters["output.c"][..., None, :]
        return z, above

    def losses(
        self,
        parameters: Weights,
        x: Array,
        y: Array,
        state: Array,
        masks: Array | None = None,
    ) -> tuple[Array, list[list[list[Array]]]]:
        """Cross-entropy E_t of every step and stream (T, …, B), and the states after each step.

        x and y are ids (T, B); `masks` is (L, T, B, H) or None.
        """
        K = parameters["output.V"].shape[-1]
        one_hot = np.eye(K)
        layers: list[list[Array]] = [list(layer) for layer in state]
        E, states = [], []
        for t in range(len(x)):
            step_masks = None if masks is None else list(masks[:, t])
            z, layers = self.step(parameters, one_hot[x[t]], layers, step_masks)
            E.append(cross_entropy(z, one_hot[y[t]]))
            states.append(layers)
        return np.stack(E), states
