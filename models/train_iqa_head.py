"""Second stage of `iqa-photo`: backbone and projections stay, the head is trained on features computed once.

    python train_iqa_head.py --smoke --start FIRST/final.pt --photos DATA/photos-train --labels ...csv --out OUT     # 50 s
    nice python train_iqa_head.py --start FIRST/final.pt --photos DATA/photos-train \
        --labels DATA/kadid-dmos-by-level.csv --out OUT --collect-minutes 18 --steps 8000     # the published one

A forward pass costs a quarter of a training step and is made once a crop, so the head sees many more examples, many times.
--start is a checkpoint of train_iqa.py; its backbone and projections are kept.
OUT/features.pt     collected features (float16, about 70 KB a crop), labels; more are added when --collect-minutes is given again
OUT/final.pt        {"network": state dict, ...} of the averaged weights
"""
import argparse
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import iqa_network
import kadid
from iqa_samples import Examples
from photos import load_photos
from train_iqa import background, loss_of, set_up, write


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--start", type=Path, required=True)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--collect-minutes", type=float, default=15)
    parser.add_argument("--steps", type=int, default=8000, help="training of the head: about 10 a second on 2 cores")
    parser.add_argument("--size", type=int, default=192, help="px, multiple of 32")
    parser.add_argument("--pairs", type=int, default=48, help="pairs a batch of the head's training")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--decay", type=float, default=0.02)
    parser.add_argument("--components", type=int, default=384, help="of the features; folded into the first layer at the end")
    parser.add_argument("--dropout", type=float, default=0.1, help="of components")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--smoke", action="store_true")
    return parser.parse_args()


def start_from(path: Path) -> iqa_network.QualityNetwork:
    """Backbone and projections of a checkpoint under a fresh head."""
    network = iqa_network.QualityNetwork()
    tensors = torch.load(path, map_location="cpu", weights_only=True)["network"]
    kept = {name: tensor for name, tensor in tensors.items() if name.split(".")[0] in ("stem", "blocks", "taps")}
    network.load_state_dict(kept, strict=False)
    return network.eval()


def collect(network, examples: Examples, size: int, seconds: float, path: Path) -> dict:
    """-> {"features": float16 [2 P, F, h, w], "labels": [2 P], "sources": [P]}, partners adjacent; kept in `path`."""
    parts = [torch.load(path, weights_only=True)] if path.exists() else []
    count = sum(len(part["labels"]) for part in parts)
    began, shown, first = time.monotonic(), time.monotonic(), count
    ready = background(examples, lambda: (8, size)) if seconds > 0 else None
    while time.monotonic() - began < seconds:
        images, labels, sources = ready.get()
        with torch.no_grad():
            features = network.features(torch.from_numpy(images).permute(0, 3, 1, 2).float().div_(255))
        parts.append({"features": features.half().contiguous(), "labels": torch.from_numpy(labels), "sources": torch.tensor(sources)})
        count += len(labels)
        if time.monotonic() - shown > 60:
            shown = time.monotonic()
            print(f"{count} crops, {(count - first) / (shown - began):.1f} a second", flush=True)
    whole = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    if seconds > 0:
        write(path, whole)
    return whole


@torch.no_grad()
def whiten(network, features: torch.Tensor, components: int) -> torch.Tensor:
    """Sets the network's centre and spread from the features and returns their leading whitened components [K, F]."""
    some = features[torch.randperm(len(features))[:4000]].float()
    network.centre.copy_(some.mean((0, 2, 3)).view_as(network.centre))
    network.spread.copy_(some.std((0, 2, 3)).clamp(min=1e-3).view_as(network.spread))
    cells = network.standard(some).permute(0, 2, 3, 1).flatten(0, 2)  # [cells, F]
    values, vectors = torch.linalg.eigh(cells.T @ cells / len(cells))
    print(f"{components} components hold {values[-components:].sum() / values.sum():.1%}", flush=True)
    return (vectors[:, -components:] / torch.sqrt(values[-components:] + 0.01)).T.contiguous()


def main():
    a = arguments()
    if a.smoke:
        a.collect_minutes, a.steps, a.size, a.pairs, a.components = 0.2, 50, 96, 8, 64
    set_up(a.out, threads=1, seed=a.seed)
    network = start_from(a.start).to(memory_format=torch.channels_last)
    labels, _, parameters = kadid.read_labels(a.labels)
    photos = load_photos(a.photos, "train", limit=40 if a.smoke else None)
    path = a.out / "features.pt"
    seed = a.seed if not path.exists() else a.seed + path.stat().st_size % 100003
    data = collect(network, Examples(photos, labels, parameters, seed), a.size, 60 * a.collect_minutes, path)
    pairs = len(data["labels"]) // 2
    print(f"{pairs} pairs of {a.size} px", flush=True)
    features = data.pop("features")
    project = whiten(network, features, a.components)  # [K, F]
    batches = [features[i : i + 256] for i in range(0, len(features), 256)]
    # [2 P, h, w, K]: the first layer is trained on whitened components, which converges several times faster
    reduced = torch.cat([F.conv2d(network.standard(batch.float()), project[..., None, None]).permute(0, 2, 3, 1).half() for batch in batches])
    del features, batches, data["sources"]
    first = nn.Linear(a.components, iqa_network.HIDDEN)
    trained = [*first.parameters(), *network.context.parameters(), *network.head.parameters()]
    averaged = [parameter.detach().clone() for parameter in trained]
    optimizer = torch.optim.AdamW(trained, lr=a.lr, weight_decay=a.decay)
    reduced, target = reduced.unflatten(0, (pairs, 2)), data["labels"].view(pairs, 2)
    generator = np.random.default_rng(a.seed)
    errors, shown = [], time.monotonic()
    for step in range(a.steps):
        progress = step / a.steps
        for group in optimizer.param_groups:
            group["lr"] = a.lr * min(1, (step + 1) / 100) * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * progress)))
        chosen = torch.from_numpy(generator.integers(0, pairs, a.pairs))
        batch = reduced[chosen].flatten(0, 1).float()  # [2 pairs, h, w, K]
        if generator.random() < 0.5:
            batch = batch.flip(1)  # cells upside down: where something stands tells nothing
        batch = F.dropout(batch, a.dropout)
        score, _ = network.judge_mixed(first(batch).permute(0, 3, 1, 2))
        label = target[chosen].flatten()
        loss = loss_of(score, label)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        with torch.no_grad():
            for slow, fast in zip(averaged, trained):
                slow.lerp_(fast, max(0.002, 1 / (step + 1)))
        errors.append((score - label).abs().mean().item())
        if time.monotonic() - shown > 30:
            shown = time.monotonic()
            print(f"step {step} {progress:.0%} mean error {np.mean(errors):.4f}", flush=True)
            errors = []
    with torch.no_grad():
        for parameter, average in zip(trained, averaged):
            parameter.copy_(average)
        network.mix.weight.copy_((first.weight @ project)[..., None, None])
        network.mix.bias.copy_(first.bias)
    write(a.out / "final.pt", {"network": network.state_dict(), "step": a.steps, "pairs": pairs})
    print(f"done: {a.steps} steps", flush=True)


if __name__ == "__main__":
    main()
