"""Muon with AdamW for what is not a matrix: steps whose singular values are all about one.

After K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024), with the step scaled to AdamW's usual
size as in "Muon is scalable for LLM training" (arXiv 2502.16982). Written anew; the Newton-Schulz iteration runs in bfloat16, as
theirs does, where the processor multiplies that faster.
"""

from __future__ import annotations

import torch
from torch import Tensor

QUINTIC = (3.4445, -4.7750, 2.0315)  # the authors' coefficients


def orthogonalise(gradient: Tensor, half: bool, steps: int = 5) -> Tensor:
    """[b, rows, columns] -> the same with each matrix' singular vectors and singular values of about one."""
    tall = gradient.shape[1] > gradient.shape[2]
    wide = gradient.mT if tall else gradient
    wide = wide / (wide.norm(dim=(1, 2), keepdim=True) + 1e-7)
    if half:
        wide = wide.bfloat16()
    a, b, c = QUINTIC
    for _ in range(steps):
        gram = wide @ wide.mT
        wide = torch.baddbmm(wide, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), wide, beta=a)
    return (wide.mT if tall else wide).to(gradient.dtype)


class Muon(torch.optim.Optimizer):
    """Convolutions count as matrices [out, in * k * k]. Groups with `matrix` False take AdamW steps.

    `lr` is a tensor on the parameters' device, so that a captured CUDA graph follows its changes. Matrices of one shape are
    turned together: a GPU would spend most of a step on starting small products. `half`: in bfloat16."""

    def __init__(self, matrices: list, others: list, lr: float, momentum: float = 0.95, weight_decay: float = 0.01, half: bool = False):
        self.half = half
        rate = torch.tensor(lr, device=matrices[0].device)
        by_shape: dict[tuple[int, int], list] = {}
        for p in matrices:
            by_shape.setdefault((p.shape[0], p[0].numel()), []).append(p)
        groups = [dict(params=alike, matrix=True) for alike in by_shape.values()] + [dict(params=others, matrix=False)]
        groups[-1]["steps"] = torch.zeros_like(rate)
        super().__init__(groups, dict(lr=rate, momentum=momentum, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if not parameters:
                continue
            for p in parameters:
                if not self.state[p]:
                    self.state[p] = {name: torch.zeros_like(p) for name in ("first", "second")[: 1 if group["matrix"] else 2]}
            decaying = [p for p in parameters if p.ndim > 1]
            if decaying:
                torch._foreach_mul_(decaying, 1 - group["lr"] * group["weight_decay"])
            (self.turn if group["matrix"] else self.adapt)(parameters, group)

    def turn(self, parameters: list, group: dict) -> None:
        gradients, firsts = [p.grad for p in parameters], [self.state[p]["first"] for p in parameters]
        torch._foreach_mul_(firsts, group["momentum"])
        torch._foreach_add_(firsts, gradients)
        ahead = torch._foreach_add(gradients, firsts, alpha=group["momentum"])
        matrices = torch.stack([g.reshape(len(g), -1) for g in ahead])
        size = 0.2 * max(matrices.shape[1:]) ** 0.5  # root mean square of the step: 0.2 x lr
        steps = orthogonalise(matrices, self.half) * (size * group["lr"])
        torch._foreach_sub_(parameters, [step.reshape(p.shape) for step, p in zip(steps, parameters)])

    def adapt(self, parameters: list, group: dict) -> None:
        gradients = [p.grad for p in parameters]
        firsts, seconds = ([self.state[p][name] for p in parameters] for name in ("first", "second"))
        steps = group["steps"].add_(1)
        torch._foreach_lerp_(firsts, gradients, 0.1)
        torch._foreach_mul_(seconds, 0.99)
        torch._foreach_addcmul_(seconds, gradients, gradients, 0.01)
        scales = torch._foreach_sqrt(seconds)
        torch._foreach_add_(scales, 1e-8)
        moves = torch._foreach_div(firsts, scales)
        torch._foreach_mul_(moves, group["lr"] * (1 - 0.99**steps).sqrt() / (1 - 0.9**steps))
        torch._foreach_sub_(parameters, moves)


def split(network: torch.nn.Module, keep_out: tuple[str, ...] = ()) -> tuple[list, list]:
    """Matrices and everything else; names that start with one of keep_out (inputs, outputs, tables) are not matrices."""
    matrices, others = [], []
    for name, p in network.named_parameters():
        (matrices if p.ndim > 1 and not name.startswith(keep_out) else others).append(p)
    return matrices, others
