"""Trains the no-reference quality network `iqa-photo`.

    python train_iqa.py --smoke --photos DATA/photos-train --labels DATA/kadid-dmos-by-level.csv --out OUT     # 30 s
    python train_iqa.py --photos DATA/photos-train --labels DATA/kadid-dmos-by-level.csv --out OUT --minutes 60
    (the same command again continues from OUT/state.pt; --start OTHER/final.pt begins with its weights; --device cuda)

On a CPU set OMP_WAIT_POLICY=PASSIVE and, with glibc, MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=20000000000
MALLOC_TOP_PAD_=536870912 MALLOC_ARENA_MAX=1: otherwise every batch returns its memory to the system and takes it again,
which halved the speed (7.7 against 15 images of 224 px a second on 2 cores).
Most of the time goes to small crops, of which there are more a second; the last part sees the size of inference.

OUT/latest.pt   averaged weights, written every --save-every seconds: {"network": state dict, "step", "minutes"}
OUT/final.pt    the same at the end
OUT/state.pt    everything needed to continue
OUT/log.csv     step, minutes, loss, mean absolute error, rank agreement, images per second
"""
import argparse
import copy
import os
import queue
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F

import iqa_network
import kadid
from iqa_samples import Examples
from photos import load_photos


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=26, help="length of the cosine schedule, over all runs")
    parser.add_argument("--start", type=Path, help="checkpoint whose weights to begin with")
    parser.add_argument("--pairs", type=int, default=8, help="pairs a batch at --size")
    parser.add_argument("--size", type=int, default=224, help="px, multiple of 32")
    parser.add_argument("--small-size", type=int, default=128, help="px, multiple of 32; more pairs a batch in proportion")
    parser.add_argument("--small-share", type=float, default=0.65, help="leading share of the time that sees --small-size")
    parser.add_argument("--lr-backbone", type=float, default=4e-4)
    parser.add_argument("--lr-head", type=float, default=2e-3)
    parser.add_argument("--freeze", type=int, default=3, help="leading stages (stem, then blocks) that stay as they came")
    parser.add_argument("--ema", type=float, default=0.995)
    parser.add_argument("--save-every", type=float, default=120, help="seconds")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--smoke", action="store_true", help="a few steps on a few photographs; proves that it runs")
    return parser.parse_args()


def background(examples: Examples, shape, ahead: int = 3) -> queue.Queue:
    """shape() -> (pairs, size). One daemon thread that keeps `ahead` batches ready; OpenCV and NumPy release the lock while they work."""
    ready: queue.Queue = queue.Queue(ahead)

    def work():
        while True:
            ready.put(examples.batch(*shape()))

    threading.Thread(target=work, daemon=True).start()
    return ready


def loss_of(score: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """score, label [2 P], partners adjacent. Distance to the label, distance of the pair's difference to the labels', and the pair's
    order: linear, because the other two hardly see neighbouring levels (labels .02 apart) the wrong way round."""
    gap, wanted = score[0::2] - score[1::2], label[0::2] - label[1::2]
    order = F.relu(0.5 * wanted.abs() - wanted.sign() * gap).mean()
    return F.smooth_l1_loss(score, label, beta=0.1) + 0.5 * F.smooth_l1_loss(gap, wanted, beta=0.1) + 0.5 * order


def write(path: Path, content: dict) -> None:
    """Whole or not at all: another process may be reading."""
    torch.save(content, f"{path}.part")
    os.replace(f"{path}.part", path)


def set_up(out: Path, threads: int, seed: int) -> None:
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    cv2.setNumThreads(1)


def main():
    a = arguments()
    if a.smoke:
        a.minutes, a.pairs, a.size, a.small_size, a.save_every = 0.3, 2, 96, 64, 10
    set_up(a.out, a.threads, a.seed)
    network = iqa_network.load_checkpoint(a.start) if a.start else iqa_network.pretrained()
    network = network.to(a.device, memory_format=torch.channels_last)
    for stage in [network.stem, *network.blocks][: a.freeze]:
        stage.requires_grad_(False)
    averaged = copy.deepcopy(network).eval().requires_grad_(False)
    groups = [
        {"params": [p for p in network.backbone_parameters() if p.requires_grad], "lr": a.lr_backbone, "top": a.lr_backbone},
        {"params": network.head_parameters(), "lr": a.lr_head, "top": a.lr_head},
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=1e-4, betas=(0.9, 0.99))
    step, spent = 0, 0.0  # seconds over all runs
    state_file = a.out / "state.pt"
    if state_file.exists() and not a.smoke:
        state = torch.load(state_file, map_location=a.device, weights_only=True)
        network.load_state_dict(state["network"])
        averaged.load_state_dict(state["averaged"])
        optimizer.load_state_dict(state["optimizer"])
        step, spent = state["step"], state["spent"]
        print(f"continues at step {step}, {spent / 60:.1f} min", flush=True)

    labels, _, parameters = kadid.read_labels(a.labels)
    photos = load_photos(a.photos, "train", limit=40 if a.smoke else None)
    print(f"{len(photos)} photographs", flush=True)
    examples = Examples(photos, labels, parameters, seed=a.seed + 1000 * step)
    small = round(a.pairs * a.size / a.small_size), a.small_size
    ready = background(examples, lambda: small if spent < a.small_share * a.minutes * 60 else (a.pairs, a.size))
    log = open(a.out / "log.csv", "a", encoding="utf-8")
    before, offset, saved = time.monotonic(), spent, time.monotonic()
    seen, losses, errors, agreement, waited = 0, [], [], [], 0.0
    shown = time.monotonic()

    def save(name: str):
        content = {"network": averaged.state_dict(), "step": step, "minutes": spent / 60}
        write(a.out / name, content)
        optimizer_state = {"network": network.state_dict(), "averaged": averaged.state_dict(),
                           "optimizer": optimizer.state_dict(), "step": step, "spent": spent}  # fmt: skip
        write(state_file, optimizer_state)

    while spent < a.minutes * 60:
        fetch = time.monotonic()
        images, target, sources = ready.get()
        waited += time.monotonic() - fetch
        progress = spent / (a.minutes * 60)
        factor = float(min(1.0, (step + 1) / 50) * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * progress))))  # PyTorch loads no NumPy scalars
        for group in optimizer.param_groups:
            group["lr"] = group["top"] * factor
        # uint8 NHWC seen as NCHW is channels_last already
        image = torch.from_numpy(images).permute(0, 3, 1, 2).to(a.device).float().div_(255)
        label = torch.from_numpy(target).to(a.device)
        score, _ = network(image)
        loss = loss_of(score, label)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        step += 1
        with torch.no_grad():
            keep = min(a.ema, (1 + step) / (10 + step))
            for slow, fast in zip(averaged.parameters(), network.parameters()):
                slow.lerp_(fast, 1 - keep)
            gap, wanted = score[0::2] - score[1::2], label[0::2] - label[1::2]
            told = wanted.abs() > 0.03
            losses.append(loss.item())
            apart = (score - label).abs().view(-1, 2).mean(1)  # [pairs]
            errors.append(apart.mean().item())
            examples.learn(sources, apart.tolist())
            agreement += (gap.sign() == wanted.sign())[told].float().tolist()
        seen += len(images)
        spent = offset + time.monotonic() - before
        if step % 20 == 0:
            speed = seen / (time.monotonic() - shown)
            line = [step, f"{spent / 60:.2f}", *(f"{np.mean(x):.4f}" for x in (losses, errors, agreement)), f"{speed:.1f}"]
            print(f"step {step} min {line[1]} loss {line[2]} mae {line[3]} rank {line[4]} {line[5]} images/s "
                  f"waited {waited:.1f} s", flush=True)  # fmt: skip
            log.write(",".join(map(str, line)) + "\n")
            log.flush()
            seen, losses, errors, agreement, waited, shown = 0, [], [], [], 0.0, time.monotonic()
        if time.monotonic() - saved > a.save_every:
            save("latest.pt")
            saved = time.monotonic()
            worst = sorted(examples.error, key=examples.error.get)[-6:]
            print("worst damages:", ", ".join(f"{one} {examples.error[one]:.2f}" for one in worst), flush=True)
    save("latest.pt")
    save("final.pt")
    print(f"done: {step} steps, {spent / 60:.1f} min", flush=True)


if __name__ == "__main__":
    main()
