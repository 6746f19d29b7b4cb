r"""Stages II and III of iqpir-photo in one run: from damaged pictures to codes, and from codes and details to pictures.

    python models/train_photo.py --photos DATA/photos-train --scores scores.npz --out RUN --until 15:25 \
        --validation DATA/photos-val                        # until a time of day; the same line resumes a stopped run
    OMP_NUM_THREADS=1 torchrun --standalone --nproc-per-node 2 models/train_photo.py --photos DATA/photos-train \
        --scores scores.npz --out RUN --until 15:25 --crop 96 --bf16      # two cores, a process each: that much faster than two threads
    python models/train_photo.py --photos DATA/photos-train --scores scores.npz --out RUN --minutes 5.5 --crop 128 --batch 128 \
        --device cuda --workers 14                          # one GPU beside 16 cores: an iteration is one captured CUDA graph
    python models/train_photo.py --photos DATA/photos-train --scores scores.npz --out RUN --minutes 60 --start SHIPPED/photo.pt
                                                            # from photo_from_onnx.py: stage I's encoder is lost there
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
  8 x feature distance                  every other iteration, on half of the crops; on a GPU every iteration, at half of
                                        the weight, and so with all that follows
  log(1.01 - SSIM)                      every other iteration
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

from degradations import LEVELS, damage_at_level
from iqa_network import load_checkpoint
from muon import Muon, split
from perceptual import FeatureDistance
from photo_learner import Learner, captured, loss_floor, structural_similarity
from photo_run import Run, deadline, join
from photo_samples import ASSUMED, Targets, as_tensor, batches
from photos import load_folder
from plain_network import NETWORKS
from train_codebooks import load_autoencoder

VALIDATION_PICTURES, VALIDATION_SIZE = 41, 192
KEEP_OUT = ("encoder.stem", "stem", "head", "prior.predictor.logits", "prior.predictor.position", "prior.score_rows")  # no matrices
ABLATIONS = {
    "none": "as shipped",
    "score": "every crop is said to be worth the same, so the network learns the average of its targets",
    "second-codebook": "the HQ+ codebook is empty",
    "discrete-quality": "with a quality loss that trains the choice of the codes, and nothing else",
    "continuous-quality": "with a quality loss that trains all of the network",
    "adversarial": "with a discriminator for the crops of less than full fidelity",
}


class Validation:
    """Mean gain in PSNR (dB) and SSIM and ratio of feature distances against doing nothing, and the worst picture, at each level."""

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
            similar = [structural_similarity(x, self.clean).mean() for x in (bad, good)]
            result[f"{level}_ssim"] = round((similar[1] - similar[0]).item(), 4)
        return result


def arguments_of(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="also where stage I left codebooks.pt")
    parser.add_argument("--scores", type=Path, help="from photo_samples.py")
    parser.add_argument("--start", type=Path, help="a checkpoint to begin with, with its codebooks; codes are not judged then")
    parser.add_argument("--validation", type=Path, help="folder of clean pictures that are never trained on")
    parser.add_argument("--validate-minutes", type=float, default=10)
    parser.add_argument("--until", help="HH:MM at which training ends")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--crop", type=int, default=64)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--optimizer", choices=["muon", "adamw"], default="muon")
    parser.add_argument("--iterations", type=int, help="how many in all, instead of a time: the same budget for each of several runs")
    parser.add_argument("--seed", type=int, default=0, help="another draws other weights and crops: what differs is chance")
    parser.add_argument("--network", choices=NETWORKS, default="photo")
    parser.add_argument("--ablation", choices=ABLATIONS, default="none")
    parser.add_argument("--iqa", type=Path, help="checkpoint of train_iqa.py, for the quality losses")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bf16", action="store_true", help="half precision on a CPU, too: twice as fast where it has avx512_bf16 or amx_bf16")
    parser.add_argument("--workers", type=int, default=0, help="processes that make crops, for a GPU")
    parser.add_argument("--smoke", action="store_true", help="20 photographs, half a minute")
    return parser.parse_args(words)


def train(arguments: argparse.Namespace, targets: Targets) -> None:
    torch.manual_seed(2 + arguments.seed)
    torch.set_flush_denormal(True)
    torch.backends.cudnn.benchmark = True
    cv2.setNumThreads(1)
    half = arguments.bf16 or arguments.device != "cpu"
    device, kind, ablation = arguments.device, arguments.network, arguments.ablation
    before = arguments.out / "photo.pt"
    done = torch.load(before, map_location="cpu", weights_only=True)["iteration"] if before.exists() else 0
    rank, processes = join()
    own_seed = 1_000_000 * arguments.seed + processes * done + rank
    made = batches(targets, arguments.crop, arguments.batch, own_seed, workers=arguments.workers, device=device)
    first = next(made)  # the processes are forked here, before CUDA is used
    autoencoder = None
    if not arguments.start:
        autoencoder = load_autoencoder(arguments.out / "codebooks.pt").to(device, memory_format=torch.channels_last)
        if ablation == "second-codebook":
            autoencoder.hqplus.entries.zero_()
    quality = load_checkpoint(arguments.iqa).to(device).requires_grad_(False) if ablation.endswith("quality") else None
    network = NETWORKS[kind]()
    if arguments.start:
        network.load_state_dict(torch.load(arguments.start, map_location="cpu", weights_only=True)["average"])
    elif network.prior is not None:
        for book in ("common", "hqplus"):
            getattr(network.prior, book).load_state_dict(getattr(autoencoder, book).state_dict())
    network = network.to(device, memory_format=torch.channels_last).train()
    if arguments.optimizer == "muon":
        matrices, others = split(network, keep_out=KEEP_OUT)
        optimizer = Muon(matrices, others, arguments.rate, half=half)
    else:
        optimizer = torch.optim.AdamW(network.parameters(), lr=arguments.rate, weight_decay=0.01, betas=(0.9, 0.99))
    until = deadline(arguments.until, 0.5 if arguments.smoke else arguments.minutes)
    run = Run(arguments.out, "photo", network, optimizer, until, arguments.rate, arguments.iterations)
    learn = Learner(run, network, autoencoder, quality, ablation, device, half)
    torch.manual_seed(own_seed)  # the same weights in each process, but other fidelities
    run.set_rate()  # low, for the warm-up before a capture
    if device == "cuda" and arguments.optimizer == "muon":
        learn_once = captured(learn, (*first, torch.tensor(loss_floor(run.progress), device=device)))
    else:
        learn_once = learn
    validation = Validation(arguments.validation, kind) if arguments.validation and not rank else None
    validated = time.time()

    for bad, target, score in chain([first], made):
        if ablation == "score":
            score = torch.full_like(score, ASSUMED[0])
        run.set_rate()
        going_on = run.count(learn_once(bad, target, score, torch.tensor(loss_floor(run.progress)), learn.turn()))
        if validation and time.time() - validated > 60 * arguments.validate_minutes:
            run.log(validation=validation.measure(run.average.tensors))
            validated = time.time()
        if not going_on:
            break
    run.save()
    if validation:
        run.log(validation=validation.measure(run.average.tensors))
    run.log(finished=True, processor_hours=round(run.processor / 3600, 3))


if __name__ == "__main__":
    chosen = arguments_of()
    train(chosen, Targets(chosen.photos, chosen.scores, limit=20 if chosen.smoke else None))
