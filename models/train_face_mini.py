"""Trains iqpir-face-mini: codebooks on clean faces, then restoration, both in one folder.

    python models/portraits.py --photos DATA/photos-train --detector yunet_n_dynamic.onnx --out PORTRAITS
    python models/train_face_mini.py --portraits PORTRAITS/train --out RUN --stage codebooks --minutes 10
    python models/train_face_mini.py --portraits PORTRAITS/train --out RUN --stage restore --minutes 45
    python models/evaluate_face_mini.py --portraits PORTRAITS/held-out --checkpoint RUN/face.pt --out models/results/iqpir-face-mini.json

codebooks  encoder -> nearest common code, nearest HQ+ code of the rest -> generator without fusion. L1 + 0.1 x feature distance +
           codebook and commitment losses; entries that nothing chose are moved onto a latent of the batch. Without HQ+ where
           the target is a lightly damaged one.
restore    from these weights; the losses of train_photo.py, the codes of the first stage as labels. The codebooks stay.
Writes RUN/codebooks.pt or RUN/face.pt every five minutes and resumes there.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from queue import Queue
from threading import Thread

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from degradations import damage_lightly
from face_mini import ALPHA, BLOCK, CODES, LATENT, FaceMini
from perceptual import FeatureDistance
from photo_learner import draw_fidelity, log_error, loss_floor
from photo_network import hq_gate
from photo_run import Run, deadline
from photo_samples import ASSUMED, LIGHT_TARGETS, as_tensor
from portraits import draw_damage, load_portraits


def batches(portraits: list[np.ndarray], size: int, seed: int):
    """Endless (input, target [N,3,512,512] channels_last, score [N]), made ahead by one thread."""
    rng, ready = np.random.default_rng(seed), Queue(maxsize=4)

    def sample():
        light = rng.random() < LIGHT_TARGETS
        face = portraits[int(rng.integers(len(portraits)))]
        face = np.ascontiguousarray(face[:, ::-1]) if rng.random() < 0.5 else face
        target = damage_lightly(face, rng) if light else face
        return as_tensor(draw_damage(target, rng)), as_tensor(target), np.float32(ASSUMED[int(light)])

    def fill() -> None:
        while True:
            bad, good, score = zip(*(sample() for _ in range(size)))
            pictures = (torch.stack(t).contiguous(memory_format=torch.channels_last) for t in (bad, good))
            ready.put((*pictures, torch.from_numpy(np.stack(score))))

    Thread(target=fill, daemon=True).start()
    while True:
        yield ready.get()


def nearest(tokens: Tensor, book: Tensor) -> Tensor:  # [T,C], [K,C] -> [T]
    return torch.cdist(tokens, book).argmin(1)


def quantise(network: FaceMini, latent: Tensor, score: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Latent [N,64,16,16] -> its quantised tokens [N*256,64], and the codes of both books [N*256]."""
    tokens = latent.permute(0, 2, 3, 1).reshape(-1, LATENT)
    common = nearest(tokens.detach(), network.common.detach())
    rest = (tokens.detach() - network.common[common].detach()) / ALPHA
    hqplus = nearest(rest, network.hqplus.detach())
    gate = hq_gate(score).repeat_interleave(len(tokens) // len(score))[:, None]
    return network.common[common] + ALPHA * gate * network.hqplus[hqplus], common, hqplus


@torch.no_grad()
def revive(book: Tensor, chosen: Tensor, tokens: Tensor, usage: Tensor) -> None:
    """Moves entries that were hardly chosen of late; `usage` [K] is their running count."""
    usage.lerp_(torch.bincount(chosen, minlength=CODES).float(), 0.02)
    dead = (usage < 0.05).nonzero()[:, 0]
    book[dead], usage[dead] = tokens[torch.randint(len(tokens), (len(dead),))], 0.5


def autoencode(network: FaceMini, target: Tensor, score: Tensor, usage: list[Tensor]) -> tuple[Tensor, Tensor]:
    """-> picture of the codes, and what keeps latent and codes together."""
    latent, seen = network.encoder(target)
    quantised, common, hqplus = quantise(network, latent, score)
    tokens = latent.permute(0, 2, 3, 1).reshape(-1, LATENT)
    revive(network.common, common, tokens, usage[0])
    revive(network.hqplus, hqplus, (tokens - network.common[common]) / ALPHA, usage[1])
    bound = F.mse_loss(quantised, tokens.detach()) + 0.25 * F.mse_loss(tokens, quantised.detach())
    through = tokens + (quantised - tokens).detach()
    feature = through.reshape(len(target), *latent.shape[2:], LATENT).permute(0, 3, 1, 2)
    return F.pixel_shuffle(network.generator(feature, seen, None)[0], BLOCK) + 0.5, bound


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--portraits", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--stage", choices=["codebooks", "restore"], required=True)
    parser.add_argument("--until", help="HH:MM at which training ends")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--rate", type=float, default=4e-4)
    arguments = parser.parse_args()

    torch.manual_seed(4)
    torch.set_flush_denormal(True)
    cv2.setNumThreads(1)
    network, distance = FaceMini().to(memory_format=torch.channels_last).train(), FeatureDistance()
    first = arguments.stage == "codebooks"
    if not first:
        state = torch.load(arguments.out / "codebooks.pt", map_location="cpu", weights_only=True)["network"]
        network.load_state_dict(state)
        labels = FaceMini().to(memory_format=torch.channels_last).eval().requires_grad_(False)
        labels.load_state_dict(state)
        network.common.requires_grad_(False)
        network.hqplus.requires_grad_(False)
    optimizer = torch.optim.AdamW(network.parameters(), lr=arguments.rate, weight_decay=0.01, betas=(0.9, 0.98))
    run = Run(arguments.out, "codebooks" if first else "face", network, optimizer, deadline(arguments.until, arguments.minutes), arguments.rate)
    usage, rng = [torch.ones(CODES), torch.ones(CODES)], np.random.default_rng([5, run.iteration])
    for bad, target, score in batches(load_portraits(arguments.portraits), arguments.batch, seed=run.iteration):
        if first:
            picture, bound = autoencode(network, target, score, usage)
            picture.register_hook(lambda g: g.contiguous(memory_format=torch.channels_last))
            error = (picture - target).abs().mean()
            loss, losses = error + bound, dict(l1=error.item(), bound=bound.item(), used=sum(int((u > 0.1).sum()) for u in usage))
        else:
            out = network.restore(bad, score, draw_fidelity(len(bad), rng))
            picture = out["restored"]
            picture.register_hook(lambda g: g.contiguous(memory_format=torch.channels_last))
            loss, nothing = (log_error(x, target, loss_floor(run.progress)) for x in (picture, bad))
            losses = dict(restoration=loss.item(), doing_nothing=nothing.item())
        if run.iteration % 4 == 0:
            feature = distance(picture, target).mean()
            loss, losses["feature"] = loss + 0.1 * feature, feature.item()
        elif run.iteration % 4 == 2 and not first:
            with torch.no_grad():
                _, common, hqplus = quantise(labels, labels.encoder(target)[0], score)
            logits = out["logits"].reshape(-1, 2, CODES)
            gate = hq_gate(score).repeat_interleave(len(logits) // len(score))
            finer = F.cross_entropy(logits[:, 1], hqplus, reduction="none")
            entropy = F.cross_entropy(logits[:, 0], common) + (finer * gate).sum() / gate.sum().clamp(min=1)
            loss, losses["entropy"] = loss + 0.02 * entropy, entropy.item()
        loss.backward()
        if not run.step(losses):
            break
    run.save()
    run.log(finished=True, processor_hours=round(run.processor / 3600, 3))
