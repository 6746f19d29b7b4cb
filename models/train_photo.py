r"""Stages II and III of iqpir-photo in one run: from damaged pictures to codes, and from codes and details to pictures.

    python models/train_photo.py --photos DATA/photos-train --scores scores.npz --out RUN --until 15:25 \
        --validation DATA/photos-val                        # until a time of day; the same line resumes a stopped run. Shipped:
                                                            # 19 minutes of this, 20 more with --crop 96 --batch 6
    python models/train_photo.py --photos DATA/photos-train --scores scores.npz --out RUN --minutes 5.5 --crop 128 --batch 128 \
        --device cuda --workers 14                          # one GPU beside 16 cores: an iteration is one captured CUDA graph
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
  0.1 x feature distance                every fourth iteration, on half of the crops; on a GPU every iteration, at a
                                        quarter of the weight, and so with the next two
  0.01 x code cross entropy + 0.01 x distance to the target's quantised feature, over its variance; every fourth iteration.
                                        The paper has 0.5 and 1. The optimiser's steps do not depend on a gradient's size, so
                                        this small weight still trains the Transformer, but leaves the encoder to restoration
Codes go forward as the argmax and backward as the softmax's expectation, so the first loss trains the choice as well.
--ablation takes one mechanism away, or adds the paper's quality loss (0.1 x (1 - learned score of the restored crop), every fourth
iteration, on half of the crops) or an adversarial one (0.02, on the crops of less than full fidelity), which the shipped model
does without: ablations.py compares them. --network trains a plain restorer instead (plain_network.py), with or without the method.
Differs from arXiv 2603.29773: II and III are one run, no adversarial and no quality loss. The score is the target's own.
Writes RUN/photo.pt and RUN/photo.jsonl, resumes where they are.
"""

from __future__ import annotations

import argparse
import time
from itertools import chain
from pathlib import Path

import cv2
import torch
from torch import Tensor
from torch.nn import functional as F

from degradations import LEVELS, damage_at_level
from discriminator import Discriminator
from iqa_network import QualityNetwork, load_checkpoint
from muon import Muon, split
from perceptual import FeatureDistance
from photo_network import ALPHA, CODES, PhotoNetwork, hq_gate
from photo_run import Run, deadline
from photo_samples import ASSUMED, Targets, as_tensor, batches
from photos import load_folder
from plain_network import NETWORKS
from train_codebooks import Autoencoder, load_autoencoder

VALIDATION_PICTURES, VALIDATION_SIZE = 41, 192
KEEP_OUT = ("encoder.stem", "stem", "head", "prior.predictor.logits", "prior.predictor.position", "prior.score_rows", "norms")  # no matrices
ABLATIONS = {
    "none": "as shipped",
    "score": "every crop is said to be worth the same, so the network learns the average of its targets",
    "second-codebook": "the HQ+ codebook is empty",
    "discrete-quality": "with a quality loss that trains the choice of the codes, and nothing else",
    "continuous-quality": "with a quality loss that trains all of the network",
    "adversarial": "with a discriminator for the crops of less than full fidelity",
}


def loss_floor(progress: float) -> float:
    """Error (0..1 scale) below which a crop's loss flattens out, by the share of the training time."""
    return 0.04 * (0.006 / 0.04) ** min(1.0, progress / 0.6)


def log_error(picture: Tensor, target: Tensor, floor: float) -> Tensor:
    """Mean over crops of the logarithm of the root mean square error; the square root's slope stays finite at no error."""
    square = (picture - target).square().mean((1, 2, 3))
    return torch.log((square + 1e-6).sqrt() + floor).mean()


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

    The dearer losses take turns on a CPU, one an iteration; on a GPU, all at once with a quarter of their weight."""

    TURNS = ("feature", "quality", "codes", "rival")

    def __init__(self, run: Run, network, autoencoder: Autoencoder, quality: QualityNetwork | None, ablation: str, device: str):
        self.run, self.network, self.autoencoder, self.quality, self.ablation = run, network, autoencoder, quality, ablation
        self.distance = FeatureDistance().to(device)
        self.discriminator = Discriminator().to(device) if ablation == "adversarial" else None
        if self.discriminator:
            self.rival = torch.optim.AdamW(self.discriminator.parameters(), lr=2e-4, betas=(0.5, 0.99), capturable=device != "cpu")
        self.device = device

    def turns(self) -> tuple[str, ...]:
        return self.TURNS if self.device != "cpu" else (self.TURNS[self.run.iteration % 4],)

    def __call__(self, bad: Tensor, target: Tensor, score: Tensor, floor: Tensor, turns: tuple[str, ...]) -> dict[str, Tensor]:
        share = 1 / len(turns)
        fidelity = draw_fidelity(len(bad), self.device)
        with torch.autocast(self.device, torch.bfloat16, enabled=self.device != "cpu", cache_enabled=False):
            out = self.network.restore(bad, score, fidelity)
            restored = out["restored"].float()
            restored.register_hook(lambda g: g.contiguous(memory_format=torch.channels_last))
            loss, nothing = (log_error(picture, target, floor) for picture in (restored, bad))
            losses = dict(restoration=loss, doing_nothing=nothing)
            half = len(bad) // 2
            if "feature" in turns:
                losses["feature"] = self.distance(restored[:half], target[:half]).mean()
                loss = loss + 0.1 * share * losses["feature"]
            if "codes" in turns and "logits" in out:
                codes, noted = code_loss(out, target, score, self.autoencoder)
                loss, losses = loss + share * codes, losses | noted
            if "rival" in turns and self.discriminator:
                chosen = slice(round(0.75 * len(bad)), None)  # those of less than full fidelity
                losses["told_apart"] = self.discriminator.loss(restored[chosen], target[chosen])
                fooled = (self.discriminator(restored[chosen]) * (1 - fidelity)[chosen, None, None, None]).mean()
                loss = loss - 0.02 * share * fooled
            loss.backward()
            if "rival" in turns and self.discriminator:
                self.rival.zero_grad()
                losses["told_apart"].backward()
                self.rival.step()
            if "quality" in turns and self.quality:
                discrete = self.ablation == "discrete-quality"
                losses["quality"] = quality_loss(self.network, self.quality, bad[:half], score[:half], discrete)
                add_quality_gradient(self.network, losses["quality"], 0.1 * share, discrete)
        self.run.descend()
        return {name: value.detach() for name, value in losses.items()}


def captured(learn: Learner, example: tuple[Tensor, ...]):
    """The same iteration as one CUDA graph: 3,000 small kernels are started at once instead of one by one."""
    inputs = tuple(part.clone(memory_format=torch.preserve_format) for part in example)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            learn(*inputs, Learner.TURNS)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        outputs = learn(*inputs, Learner.TURNS)

    def replay(*given) -> dict[str, Tensor]:
        for held, new in zip(inputs, given[:-1]):
            held.copy_(new)
        graph.replay()
        return outputs

    return replay


class Validation:
    """Mean gain in PSNR (dB) and ratio of feature distances against doing nothing, and the worst picture, at each level."""

    def __init__(self, folder: Path, kind: str):
        cut = slice(128, 128 + VALIDATION_SIZE)
        pictures = [rgb for _, rgb in load_folder(folder)][:: 41 // VALIDATION_PICTURES][:VALIDATION_PICTURES]
        self.clean = torch.stack([as_tensor(rgb[cut, cut]) for rgb in pictures])
        self.damaged = {
            level: torch.stack([as_tensor(damage_at_level(rgb, level, i)[cut, cut]) for i, rgb in enumerate(pictures)])
            for level in LEVELS
        }
        self.distance, self.kind = FeatureDistance(), kind

    @torch.inference_mode()
    def measure(self, tensors: dict[str, Tensor], score: float = 0.9, fidelity: float = 1.0) -> dict[str, float]:
        network = NETWORKS[self.kind]().to(memory_format=torch.channels_last).eval()
        network.load_state_dict({name: tensor.cpu() for name, tensor in tensors.items()})
        result = {}
        for level, bad in self.damaged.items():
            good = network(bad, torch.full((len(bad),), score), torch.tensor([fidelity]))[0].clamp(0, 1)
            error = [((x - self.clean) ** 2).mean((1, 2, 3)) for x in (bad, good)]
            gain = 10 * torch.log10(error[0] / error[1])
            ratio = self.distance(good, self.clean).mean() / self.distance(bad, self.clean).mean()
            result |= {level: round(gain.mean().item(), 3), f"{level}_worst": round(gain.min().item(), 3)}
            result[f"{level}_feature"] = round(ratio.item(), 3)
        return result


def arguments_of(words: list[str] | None = None) -> argparse.Namespace:
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
    parser.add_argument("--network", choices=NETWORKS, default="photo")
    parser.add_argument("--ablation", choices=ABLATIONS, default="none")
    parser.add_argument("--iqa", type=Path, help="checkpoint of train_iqa.py, for the quality losses")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--workers", type=int, default=0, help="processes that make crops, for a GPU")
    parser.add_argument("--smoke", action="store_true", help="20 photographs, half a minute")
    return parser.parse_args(words)


def train(arguments: argparse.Namespace, targets: Targets) -> None:
    torch.manual_seed(2)
    torch.set_flush_denormal(True)
    torch.backends.cudnn.benchmark = True
    cv2.setNumThreads(1)
    device, kind, ablation = arguments.device, arguments.network, arguments.ablation
    before = arguments.out / "photo.pt"
    seed = torch.load(before, map_location="cpu", weights_only=True)["iteration"] if before.exists() else 0
    made = batches(targets, arguments.crop, arguments.batch, seed, workers=arguments.workers, device=device)
    first = next(made)  # the processes are forked here, before CUDA is used
    autoencoder = load_autoencoder(arguments.out / "codebooks.pt").to(device, memory_format=torch.channels_last)
    if ablation == "second-codebook":
        autoencoder.hqplus.entries.zero_()
    quality = load_checkpoint(arguments.iqa).to(device).requires_grad_(False) if ablation.endswith("quality") else None
    network = NETWORKS[kind]()
    if network.prior is not None:
        for book in ("common", "hqplus"):
            getattr(network.prior, book).load_state_dict(getattr(autoencoder, book).state_dict())
    network = network.to(device, memory_format=torch.channels_last).train()
    if arguments.optimizer == "muon":
        matrices, others = split(network, keep_out=KEEP_OUT)
        optimizer = Muon(matrices, others, arguments.rate)
    else:
        optimizer = torch.optim.AdamW(network.parameters(), lr=arguments.rate, weight_decay=0.01, betas=(0.9, 0.99))
    until = deadline(arguments.until, 0.5 if arguments.smoke else arguments.minutes)
    run = Run(arguments.out, "photo", network, optimizer, until, arguments.rate)
    learn = Learner(run, network, autoencoder, quality, ablation, device)
    run.set_rate()  # low, for the warm-up before a capture
    if device == "cuda" and arguments.optimizer == "muon":
        learn_once = captured(learn, (*first, torch.tensor(loss_floor(run.progress()), device=device)))
    else:
        learn_once = learn
    validation = Validation(arguments.validation, kind) if arguments.validation else None
    validated = time.time()

    for bad, target, score in chain([first], made):
        if ablation == "score":
            score = torch.full_like(score, ASSUMED[0])
        run.set_rate()
        going_on = run.count(learn_once(bad, target, score, torch.tensor(loss_floor(run.progress())), learn.turns()))
        if validation and time.time() - validated > 60 * arguments.validate_minutes:
            run.log(validation=validation.measure(run.average.tensors))
            validated = time.time()
        if not going_on or run.iteration == arguments.stop_at:
            break
    run.save()
    if validation:
        run.log(validation=validation.measure(run.average.tensors))
    run.log(finished=True, processor_hours=round(run.processor / 3600, 3))


if __name__ == "__main__":
    chosen = arguments_of()
    train(chosen, Targets(chosen.photos, chosen.scores, limit=20 if chosen.smoke else None))
