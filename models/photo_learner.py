"""One iteration of train_photo.py: its losses, and one step of the optimiser along their gradients."""

from __future__ import annotations

from itertools import chain

import torch
from torch import Tensor
from torch.nn import functional as F

from discriminator import Discriminator
from iqa_network import QualityNetwork
from perceptual import FeatureDistance
from photo_network import ALPHA, CODES, PhotoNetwork, hq_gate
from photo_run import Run
from train_codebooks import Autoencoder


FEATURE_WEIGHT = 8.0  # of a distance that is 0.1 for mild damage and 0.5 for hard, which it so weighs more
# What an iteration looks at besides the error, in turn, and how often each of it comes.
TURNS = ("feature",), ("structure",), ("codes", "ablation"), ("feature", "structure")
SHARES = {name: sum(name in turn for turn in TURNS) / len(TURNS) for name in chain(*TURNS)}
WINDOW, SIGMA = 11, 1.5  # px, of SSIM


def loss_floor(progress: float) -> float:
    """Error (0..1 scale) below which a crop's loss flattens out, by the share of the training time."""
    return 0.04 * (0.006 / 0.04) ** min(1.0, progress / 0.6)


def log_error(picture: Tensor, target: Tensor, floor: float) -> Tensor:
    """Mean over crops of the logarithm of the root mean square error; the square root's slope stays finite at no error."""
    square = (picture - target).square().mean((1, 2, 3))
    return torch.log((square + 1e-6).sqrt() + floor).mean()


def structural_similarity(a: Tensor, b: Tensor) -> Tensor:
    """SSIM as picture_measures.py has it, of two [N, 3, H, W] in 0..1 -> [N]. The blur is a product with two banded matrices."""
    offset = torch.arange(WINDOW, device=a.device) - WINDOW // 2
    weights = torch.softmax(-offset.square() / (2 * SIGMA**2), 0)

    def band(size: int) -> Tensor:
        return torch.stack([F.pad(weights, (start, size - WINDOW - start)) for start in range(size - WINDOW + 1)])

    rows, columns = band(a.shape[2]), band(a.shape[3])
    mean_a, mean_b, square_a, square_b, both = rows @ torch.stack((a, b, a * a, b * b, a * b)) @ columns.T
    c1, c2 = 0.01**2, 0.03**2
    top = (2 * mean_a * mean_b + c1) * (2 * (both - mean_a * mean_b) + c2)
    below = (mean_a**2 + mean_b**2 + c1) * (square_a - mean_a**2 + square_b - mean_b**2 + c2)
    return (top / below).mean((1, 2, 3))


def draw_fidelity(count: int, device: str) -> Tensor:
    """[count]: 1 for the first three quarters, 0 for the next tenth, anything between for the rest."""
    full, none = round(0.75 * count), round(0.1 * count)
    return torch.cat((torch.ones(full, device=device), torch.zeros(none, device=device), torch.rand(count - full - none, device=device)))


def code_loss(out: dict[str, Tensor], target: Tensor, score: Tensor, autoencoder: Autoencoder) -> tuple[Tensor, dict[str, Tensor]]:
    """Cross entropy of both codes and distance of the quantised features, against stage I's codes of the target."""
    with torch.no_grad():
        _, common, hqplus = autoencoder.codes(target)
        gate = (hq_gate(score) > 0.5).float()[:, None, None].expand(common.shape)
        books = autoencoder.common.entries, autoencoder.hqplus.entries
        on = hq_gate(score)[:, None, None, None]
        wanted = (books[0][common] + ALPHA * on * books[1][hqplus]).permute(0, 3, 1, 2)
    first, second = out["logits"][..., :CODES].permute(0, 3, 1, 2), out["logits"][..., CODES:].permute(0, 3, 1, 2)
    entropy_common = F.cross_entropy(first, common)
    entropy_hqplus = (F.cross_entropy(second, hqplus, reduction="none") * gate).sum() / gate.sum().clamp(min=1)
    feature = F.mse_loss(out["quantised"].float(), wanted) / wanted.var()
    hits = (out["codes"][:, 0] == common).float().mean()
    noted = dict(entropy_common=entropy_common, entropy_hqplus=entropy_hqplus, hits=hits, latent=feature)
    return 0.01 * (entropy_common + entropy_hqplus + feature), noted


def quality_loss(network: PhotoNetwork, quality: QualityNetwork, bad: Tensor, score: Tensor, discrete: bool) -> Tensor:
    """What the restored crops lack to the top of the learned score. Discrete, its gradient passes by the codes alone."""
    logits, details = network.encode(bad, score)
    if discrete:
        details = tuple(detail.detach() for detail in details)
    restored = network.decode(bad, network.prior.quantise(logits, score)[0], details, torch.ones(1, device=bad.device))
    with torch.autocast(bad.device.type, enabled=False):
        return (1 - quality(restored.float().clamp(0, 1))[0]).mean()


def add_quality_gradient(network: PhotoNetwork, loss: Tensor, weight: float, discrete: bool) -> None:
    """Adds the gradient of quality_loss: discrete, to what chooses the codes alone; decoder and codebooks stay as they are."""
    parts = (network.encoder, network.prior) if discrete else (network.encoder, network.prior, network.decoder, network.head)
    reached = [parameter for part in parts for parameter in part.parameters()]
    for parameter, gradient in zip(reached, torch.autograd.grad(weight * loss, reached, allow_unused=True)):
        if gradient is not None:
            parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient


class Learner:
    """One iteration: forward, losses, backward, one step of the optimiser.

    The dearer losses take turns on a CPU; on a GPU, all at once with the share of the turns that are theirs as weight."""

    def __init__(
        self, run: Run, network, autoencoder: Autoencoder | None, quality: QualityNetwork | None, ablation: str, device: str, half: bool
    ):
        self.run, self.network, self.autoencoder, self.quality, self.ablation = run, network, autoencoder, quality, ablation
        self.distance = FeatureDistance().to(device)
        self.discriminator = Discriminator().to(device) if ablation == "adversarial" else None
        if self.discriminator:
            self.rival = torch.optim.AdamW(self.discriminator.parameters(), lr=2e-4, betas=(0.5, 0.99), capturable=device != "cpu")
        self.device, self.half = device, half

    def turn(self) -> dict[str, float]:
        """What this iteration looks at besides the error, and the weight of each."""
        return SHARES if self.device != "cpu" else dict.fromkeys(TURNS[self.run.iteration % len(TURNS)], 1.0)

    def __call__(self, bad: Tensor, target: Tensor, score: Tensor, floor: Tensor, turn: dict[str, float]) -> dict[str, Tensor]:
        fidelity = draw_fidelity(len(bad), self.device)
        with torch.autocast(self.device, torch.bfloat16, enabled=self.half, cache_enabled=False):
            out = self.network.restore(bad, score, fidelity)
            restored = out["restored"].float()
            restored.register_hook(lambda g: g.contiguous(memory_format=torch.channels_last))
            loss, nothing = (log_error(picture, target, floor) for picture in (restored, bad))
            losses = dict(restoration=loss, doing_nothing=nothing)
            half = len(bad) // 2
            if "feature" in turn:
                losses["feature"] = self.distance(restored[:half], target[:half]).mean()
                loss = loss + FEATURE_WEIGHT * turn["feature"] * losses["feature"]
            if "structure" in turn:
                with torch.autocast(self.device, enabled=False):  # variances are small differences
                    losses["structure"] = torch.log(1.01 - structural_similarity(restored, target)).mean()
                loss = loss + turn["structure"] * losses["structure"]
            if "codes" in turn and self.autoencoder and "logits" in out:
                codes, noted = code_loss(out, target, score, self.autoencoder)
                loss, losses = loss + turn["codes"] * codes, losses | noted
            if "ablation" in turn and self.discriminator:
                chosen = slice(round(0.75 * len(bad)), None)  # those of less than full fidelity
                losses["told_apart"] = self.discriminator.loss(restored[chosen], target[chosen])
                fooled = (self.discriminator(restored[chosen]) * (1 - fidelity)[chosen, None, None, None]).mean()
                loss = loss - 0.02 * turn["ablation"] * fooled
            loss.backward()
            if "ablation" in turn and self.discriminator:
                self.rival.zero_grad()
                losses["told_apart"].backward()
                self.rival.step()
            if "ablation" in turn and self.quality:
                discrete = self.ablation == "discrete-quality"
                losses["quality"] = quality_loss(self.network, self.quality, bad[:half], score[:half], discrete)
                add_quality_gradient(self.network, losses["quality"], 0.1 * turn["ablation"], discrete)
        self.run.descend()
        return {name: value.detach() for name, value in losses.items()}


def captured(learn: Learner, example: tuple[Tensor, ...]):
    """The same iteration as one CUDA graph: 3,000 small kernels are started at once instead of one by one."""
    inputs = tuple(part.clone(memory_format=torch.preserve_format) for part in example)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            learn(*inputs, SHARES)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        outputs = learn(*inputs, SHARES)

    def replay(*given) -> dict[str, Tensor]:
        for held, new in zip(inputs, given[:-1]):
            held.copy_(new)
        graph.replay()
        return outputs

    return replay
