"""Muon with AdamW for what is not a matrix: steps whose singular values are all about one.

After K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024), with the step scaled to AdamW's usual
size as in "Muon is scalable for LLM training" (arXiv 2502.16982). Written anew for a few small matrices on a CPU: the
Newton-Schulz iteration runs on the small Gram matrix in fp32 rather than on the gradient itself.
"""

from __future__ import annotations

import torch
from torch import Tensor

QUINTIC = (3.4445, -4.7750, 2.0315)  # the authors' coefficients


def orthogonalise(gradient: Tensor, steps: int = 4) -> Tensor:
    """[a, b] -> [a, b] with the same singular vectors and singular values of about one."""
    wide = gradient if gradient.shape[0] <= gradient.shape[1] else gradient.t()
    wide = wide / (wide.norm() + 1e-7)
    gram = wide @ wide.t()
    eye = torch.eye(len(gram))
    product, (a, b, c) = eye, QUINTIC
    for step in range(steps):
        polynomial = a * eye + b * gram + c * (gram @ gram)
        product = polynomial @ product
        if step + 1 < steps:
            gram = polynomial @ gram @ polynomial
    wide = product @ wide
    return wide if gradient.shape[0] <= gradient.shape[1] else wide.t()


class Muon(torch.optim.Optimizer):
    """Convolutions count as matrices [out, in * k * k]. Groups with `matrix` False take AdamW steps."""

    def __init__(self, matrices: list, others: list, lr: float, momentum: float = 0.95, weight_decay: float = 0.01):
        groups = [dict(params=matrices, matrix=True), dict(params=others, matrix=False)]
        super().__init__(groups, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["first"] = torch.zeros_like(p)
                    if not group["matrix"]:
                        state["second"], state["steps"] = torch.zeros_like(p), 0
                if p.ndim > 1:
                    p.mul_(1 - group["lr"] * group["weight_decay"])
                if group["matrix"]:
                    first = state["first"].mul_(group["momentum"]).add_(p.grad)
                    matrix = (p.grad + group["momentum"] * first).reshape(p.shape[0], -1)
                    size = 0.2 * max(matrix.shape) ** 0.5  # root mean square of the step: 0.2 x lr
                    p.sub_(orthogonalise(matrix).reshape(p.shape), alpha=group["lr"] * size)
                else:
                    state["steps"] += 1
                    first = state["first"].lerp_(p.grad, 0.1)
                    second = state["second"].lerp_(p.grad.square(), 0.01)
                    scale = (second / (1 - 0.99 ** state["steps"])).sqrt_().add_(1e-8)
                    p.addcdiv_(first, scale, value=-group["lr"] / (1 - 0.9 ** state["steps"]))


def split(network: torch.nn.Module, keep_out: tuple[str, ...] = ()) -> tuple[list, list]:
    """Matrices and everything else; names that start with one of keep_out (inputs, outputs, tables) are not matrices."""
    matrices, others = [], []
    for name, p in network.named_parameters():
        (matrices if p.ndim > 1 and not name.startswith(keep_out) else others).append(p)
    return matrices, others
