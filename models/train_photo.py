r"""Stages II and III of iqpir-photo in one run: from damaged pictures to codes, and from codes and details to pictures.

    python models/train_photo.py --photos DATA/photos-train --scores scores.npz --out RUN --until 15:25 \
        --validation DATA/photos-val                        # until a time of day; the same line resumes a stopped run. Shipped:
                                                            # 19 minutes of this, 20 more with --crop 96 --batch 6
    python models/train_photo.py --photos DATA/photos-train --out /tmp/smoke --smoke        # a minute, after stage I's smoke

RUN/codebooks.pt comes from train_codebooks.py: the codebooks, which stay frozen, and the encoder that says a target's codes.
The network's own encoder and decoder start fresh: stage I's carry colours, ten times larger than the noise to be found, and
started from them nothing but the identity was learned (measured).
Loss, a mean over crops of:
  log(root mean square error + floor)   what PSNR measures; each crop counts alike, so hard damage does not drown the mild.
                                        The floor falls from 0.04 to 0.006 over the first 60 %: with 0.002 at once, the
                                        untouched crops' gradient is ten times that of all others and nothing but the identity
                                        is learned (measured).
                                        Fidelity: 1 in 75 % of the crops, 0 in 10 %, else uniform
  0.1 x feature distance                every fourth iteration, on half of the crops
  0.01 x code cross entropy + 0.01 x distance to the target's quantised feature, over its variance; every fourth iteration.
                                        The paper has 0.5 and 1. The optimiser's steps do not depend on a gradient's size, so
                                        this small weight still trains the Transformer, but leaves the encoder to restoration
Codes go forward as the argmax and backward as the softmax's expectation, so the first loss trains the choice as well.
--ablation takes one mechanism away, or adds the paper's quality loss (0.1 x (1 - learned score of the restored crop), every fourth
iteration, on half of the crops), which the shipped model does without: ablations.py compares them.
Differs from arXiv 2603.29773: II and III are one run, no adversarial and no quality loss. The score is the target's own.
Writes RUN/photo.pt and RUN/photo.jsonl, resumes where they are.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from degradations import LEVELS, damage_at_level
from iqa_network import QualityNetwork, load_checkpoint
from muon import Muon, split
from perceptual import FeatureDistance
from photo_network import CODES, PhotoNetwork, hq_gate
from photo_run import Run, deadline
from photo_samples import ASSUMED, Targets, as_tensor, batches
from photos import load_folder
from train_codebooks import Autoencoder, load_autoencoder

VALIDATION_PICTURES, VALIDATION_SIZE = 41, 192
ABLATIONS = {
    "none": "as shipped",
    "score": "every crop is said to be worth the same, so the network learns the average of its targets",
    "second-codebook": "the HQ+ codebook is empty",
    "discrete-quality": "with a quality loss that trains the choice of the codes, and nothing else",
    "continuous-quality": "with a quality loss that trains all of the network",
}


def loss_floor(progress: float) -> float:
    """Error (0..1 scale) below which a crop's loss flattens out, by the share of the training time."""
    return 0.04 * (0.006 / 0.04) ** min(1.0, progress / 0.6)


def log_error(picture: Tensor, target: Tensor, floor: float) -> Tensor:
    """Mean over crops of the logarithm of the root mean square error; the square root's slope stays finite at no error."""
    square = (picture - target).square().mean((1, 2, 3))
    return torch.log((square + 1e-6).sqrt() + floor).mean()


def draw_fidelity(count: int, rng: np.random.Generator) -> Tensor:
    kind, free = rng.random(count), rng.random(count)
    return torch.from_numpy(np.where(kind < 0.75, 1.0, np.where(kind < 0.85, 0.0, free)).astype(np.float32))


def code_loss(out: dict[str, Tensor], target: Tensor, score: Tensor, autoencoder: Autoencoder) -> tuple[Tensor, dict[str, float]]:
    """Cross entropy of both codes and distance of the quantised features, against stage I's codes of the target."""
    with torch.no_grad():
        _, common, hqplus = autoencoder.codes(target)
        gate = (hq_gate(score) > 0.5).float()[:, None, None].expand(common.shape)
        books = autoencoder.common.entries, autoencoder.hqplus.entries
        on = hq_gate(score)[:, None, None, None]
        wanted = (books[0][common] + 0.8 * on * books[1][hqplus]).permute(0, 3, 1, 2)
    first, second = out["logits"][..., :CODES].permute(0, 3, 1, 2), out["logits"][..., CODES:].permute(0, 3, 1, 2)
    entropy_common = F.cross_entropy(first, common)
    entropy_hqplus = (F.cross_entropy(second, hqplus, reduction="none") * gate).sum() / gate.sum().clamp(min=1)
    feature = F.mse_loss(out["quantised"], wanted) / wanted.var()
    hits = (out["codes"][:, 0] == common).float().mean()
    noted = dict(entropy_common=entropy_common.item(), entropy_hqplus=entropy_hqplus.item(), hits=hits.item(), latent=feature.item())
    return 0.01 * (entropy_common + entropy_hqplus + feature), noted


def add_quality_gradient(network: PhotoNetwork, quality: QualityNetwork, bad: Tensor, score: Tensor, discrete: bool) -> float:
    """Adds the gradient of what the restored crops lack to the top of the learned score; returns the lack.

    Discrete, it reaches what chooses the codes alone: decoder and codebooks stay, and no detail passes by the codes."""
    logits, details = network.encode(bad, score)
    if discrete:
        details = tuple(detail.detach() for detail in details)
    restored = network.decode(bad, network.quantise(logits, score)[0], details, torch.ones(1))
    lack = (1 - quality(restored.clamp(0, 1))[0]).mean()
    parts = (network.encoder, network.predictor) if discrete else (network.encoder, network.predictor, network.decoder, network.head)
    reached = [parameter for part in parts for parameter in part.parameters()]
    for parameter, gradient in zip(reached, torch.autograd.grad(0.1 * lack, reached, allow_unused=True)):
        if gradient is not None:
            parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient
    return lack.item()


class Validation:
    """Mean gain in PSNR (dB) and ratio of feature distances against doing nothing, and the worst picture, at each level."""

    def __init__(self, folder: Path, distance: FeatureDistance):
        cut = slice(128, 128 + VALIDATION_SIZE)
        pictures = [rgb for _, rgb in load_folder(folder)][:: 41 // VALIDATION_PICTURES][:VALIDATION_PICTURES]
        self.clean = torch.stack([as_tensor(rgb[cut, cut]) for rgb in pictures])
        self.damaged = {
            level: torch.stack([as_tensor(damage_at_level(rgb, level, i)[cut, cut]) for i, rgb in enumerate(pictures)])
            for level in LEVELS
        }
        self.distance = distance

    @torch.inference_mode()
    def measure(self, tensors: dict[str, Tensor], score: float = 0.9, fidelity: float = 1.0) -> dict[str, float]:
        network = PhotoNetwork().to(memory_format=torch.channels_last).eval()
        network.load_state_dict(tensors)
        result = {}
        for level, bad in self.damaged.items():
            good = network(bad, torch.full((len(bad),), score), torch.tensor([fidelity]))[0].clamp(0, 1)
            error = [((x - self.clean) ** 2).mean((1, 2, 3)) for x in (bad, good)]
            gain = 10 * torch.log10(error[0] / error[1])
            ratio = self.distance(good, self.clean).mean() / self.distance(bad, self.clean).mean()
            result |= {level: round(gain.mean().item(), 3), f"{level}_worst": round(gain.min().item(), 3)}
            result[f"{level}_feature"] = round(ratio.item(), 3)
        return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="also where stage I left codebooks.pt")
    parser.add_argument("--scores", type=Path, help="from photo_samples.py")
    parser.add_argument("--validation", type=Path, help="folder of clean pictures that are never trained on")
    parser.add_argument("--validate-minutes", type=float, default=10)
    parser.add_argument("--until", help="HH:MM at which training ends")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--crop", type=int, default=64)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--optimizer", choices=["muon", "adamw"], default="muon")
    parser.add_argument("--stop-at", type=int, help="iteration at which to stop early, for comparisons")
    parser.add_argument("--ablation", choices=ABLATIONS, default="none")
    parser.add_argument("--iqa", type=Path, help="checkpoint of train_iqa.py, for the quality losses")
    parser.add_argument("--smoke", action="store_true", help="20 photographs, half a minute")
    arguments = parser.parse_args()

    torch.manual_seed(2)
    torch.set_flush_denormal(True)
    cv2.setNumThreads(1)
    autoencoder = load_autoencoder(arguments.out / "codebooks.pt").to(memory_format=torch.channels_last)
    if arguments.ablation == "second-codebook":
        autoencoder.hqplus.entries.zero_()
    quality = load_checkpoint(arguments.iqa).requires_grad_(False) if arguments.ablation.endswith("quality") else None
    network = PhotoNetwork().to(memory_format=torch.channels_last).train()
    for part in ("common", "hqplus"):
        getattr(network, part).load_state_dict(getattr(autoencoder, part).state_dict())
    if arguments.optimizer == "muon":
        matrices, others = split(network, keep_out=("encoder.stem", "head", "predictor.logits", "predictor.position", "score_rows"))
        optimizer = Muon(matrices, others, arguments.rate)
    else:
        optimizer = torch.optim.AdamW(network.parameters(), lr=arguments.rate, weight_decay=0.01, betas=(0.9, 0.99))
    targets = Targets(arguments.photos, arguments.scores, limit=20 if arguments.smoke else None)
    distance = FeatureDistance()
    until = deadline(arguments.until, 0.5 if arguments.smoke else arguments.minutes)
    run = Run(arguments.out, "photo", network, optimizer, until, arguments.rate)
    validation = Validation(arguments.validation, distance) if arguments.validation else None
    rng, validated = np.random.default_rng([3, run.iteration]), time.time()

    for bad, target, score in batches(targets, arguments.crop, arguments.batch, seed=run.iteration):
        if arguments.ablation == "score":
            score = torch.full_like(score, ASSUMED[0])
        out = network.restore(bad, score, draw_fidelity(len(bad), rng))
        restored = out["restored"]
        restored.register_hook(lambda g: g.contiguous(memory_format=torch.channels_last))
        floor = loss_floor(run.progress())
        loss, nothing = (log_error(picture, target, floor) for picture in (restored, bad))
        losses = dict(restoration=loss.item(), doing_nothing=nothing.item())
        if run.iteration % 4 == 0:
            half = len(bad) // 2
            feature = distance(restored[:half], target[:half]).mean()
            loss, losses["feature"] = loss + 0.1 * feature, feature.item()
        elif run.iteration % 4 == 2:
            codes, noted = code_loss(out, target, score, autoencoder)
            loss, losses = loss + codes, losses | noted
        loss.backward()
        if quality and run.iteration % 4 == 1:
            half, discrete = len(bad) // 2, arguments.ablation == "discrete-quality"
            losses["quality"] = add_quality_gradient(network, quality, bad[:half], score[:half], discrete)
        going_on = run.step(losses)
        if validation and time.time() - validated > 60 * arguments.validate_minutes:
            run.log(validation=validation.measure(run.average.tensors))
            validated = time.time()
        if not going_on or run.iteration == arguments.stop_at:
            break
    run.save()
    if validation:
        run.log(validation=validation.measure(run.average.tensors))
    run.log(finished=True, processor_hours=round(run.processor / 3600, 3))
