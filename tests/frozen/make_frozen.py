"""Make the frozen values of this folder with PyTorch: python tests/frozen/make_frozen.py

PyTorch is an independent implementation; the tests compare charrnn with these values to 1e-6
(networks) and 1e-9 (optimisers), in float64. Run with PyTorch 2.13.0.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch

HERE = Path(__file__).parent
torch.set_default_dtype(torch.float64)


def optimisers() -> list[dict]:
    makers = {
        "sgd": ("sgd", {}, lambda p, r: torch.optim.SGD(p, r)),
        "momentum": (
            "momentum", {"momentum": 0.9}, lambda p, r: torch.optim.SGD(p, r, momentum=0.9),
        ),
        "nesterov": (
            "momentum", {"momentum": 0.9, "nesterov": True},
            lambda p, r: torch.optim.SGD(p, r, momentum=0.9, nesterov=True),
        ),
        "adagrad": ("adagrad", {"epsilon": 1e-8}, lambda p, r: torch.optim.Adagrad(p, r, eps=1e-8)),
        "rmsprop": (
            "rmsprop", {"rho": 0.95, "epsilon": 1e-8},
            lambda p, r: torch.optim.RMSprop(p, r, alpha=0.95, eps=1e-8),
        ),
        "adam": (
            "adam", {"beta1": 0.8, "beta2": 0.99},
            lambda p, r: torch.optim.Adam(p, r, betas=(0.8, 0.99)),
        ),
        "adamw": (
            "adamw", {"weight_decay": 0.1},
            lambda p, r: torch.optim.AdamW(p, r, weight_decay=0.1),
        ),
    }  # fmt: skip
    cases = []
    for label, (name, settings, make) in makers.items():
        generator = torch.Generator().manual_seed(0)
        theta = torch.nn.Parameter(torch.randn(6, generator=generator))
        start, rate = theta.tolist(), 0.05
        optimiser = make([theta], rate)
        gradients, thetas = [], []
        for _ in range(5):
            theta.grad = torch.randn(6, generator=generator)
            gradients.append(theta.grad.tolist())
            optimiser.step()
            thetas.append(theta.tolist())
        cases.append(
            {"label": label, "name": name, "settings": settings, "rate": rate, "start": start,
             "gradients": gradients, "thetas": thetas}
        )  # fmt: skip
    return cases


def networks() -> list[dict]:
    """Two layers, T 5, B 2, K 4, H 3: weights in PyTorch's layout, losses, states, gradients."""
    cases = []
    kinds = {
        "rnn tanh": (torch.nn.RNN, {}), "rnn relu": (torch.nn.RNN, {"nonlinearity": "relu"}),
        "lstm": (torch.nn.LSTM, {}), "gru": (torch.nn.GRU, {}),
    }  # fmt: skip
    K, H, T, B = 4, 3, 5, 2
    for label, (cls, more) in kinds.items():
        torch.manual_seed(7)
        rnn, readout = cls(K, H, 2, **more), torch.nn.Linear(H, K)
        parameters = {f"rnn.{n}": p for n, p in rnn.named_parameters()}
        parameters |= {f"readout.{n}": p for n, p in readout.named_parameters()}
        with torch.no_grad():
            for name, p in parameters.items():
                p.copy_(torch.randn(p.shape) * 0.5)
                # charrnn has one bias where PyTorch adds two; only the GRU's candidate has both.
                if "bias_hh" in name:
                    p[: 2 * H if "gru" in label else None] = 0
        x, y = torch.randint(0, K, (T, B)), torch.randint(0, K, (T, B))
        state = [torch.randn(2, B, H, requires_grad=True) for _ in range(1 + (label == "lstm"))]
        entry = tuple(state) if label == "lstm" else state[0]
        out, last = rnn(torch.nn.functional.one_hot(x, K).double(), entry)
        loss = torch.nn.functional.cross_entropy(readout(out).reshape(-1, K), y.reshape(-1))
        loss.backward()
        last = last if label == "lstm" else (last,)
        cases.append(
            {"label": label, "x": x.tolist(), "y": y.tolist(),
             "parameters": {n: p.tolist() for n, p in parameters.items()},
             "gradients": {n: p.grad.tolist() for n, p in parameters.items()},
             "state": [s.tolist() for s in state], "dstate": [s.grad.tolist() for s in state],
             "last": [s.tolist() for s in last], "loss": loss.item()}
        )  # fmt: skip
    return cases


def main() -> None:
    (HERE / "optimisers.json").write_text(json.dumps(optimisers(), indent=1) + "\n")
    (HERE / "networks.json").write_text(json.dumps(networks(), indent=1) + "\n")


if __name__ == "__main__":
    main()
