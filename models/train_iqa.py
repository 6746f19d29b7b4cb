"""Trains the no-reference quality network `iqa-photo`.

    python train_iqa.py --smoke --photos DATA/photos-train --labels DATA/kadid-dmos-by-level.csv --out OUT     # 30 s
    python train_iqa.py --photos DATA/photos-train --labels DATA/kadid-dmos-by-level.csv --out OUT --minutes 60
    (the same command again continues from OUT/state.pt; --start OTHER/final.pt begins with its weights)
    python train_iqa.py ... --device cuda --workers 14 --minutes 1.8 --start IQA-START/final.pt --pairs 48 --size 256 --small-share 0 \
        --lr-backbone 3e-4 --lr-head 8e-4 --ema 0.99          # one GPU beside 16 cores, from what iqa_from_onnx.py makes

A GPU waits for its examples, 15 to 35 ms of a core a group: --workers processes make them, from photographs decoded once (1.2 GB).
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
import itertools
import mmap
import multiprocessing
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
    parser.add_argument("--pairs", type=int, default=8, help="pairs a batch at --size, each with its clean crop")
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
    parser.add_argument("--workers", type=int, default=0, help="processes that make examples; 0: a thread of this one")
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


def from_processes(examples: Examples, shape, workers: int, most: int, ahead: int = 2) -> queue.Queue:
    """Like `background`, by `workers` forked processes: each makes whole batches of up to `most` bytes and hands them over in shared
    memory (anonymous, because /dev/shm is small in containers). To be called before CUDA is touched: a fork cannot use it."""
    context = multiprocessing.get_context("fork")
    orders, made = context.SimpleQueue(), context.SimpleQueue()
    slots = [mmap.mmap(-1, most) for _ in range(2 * workers)]

    def work(number: int):
        examples.rng = np.random.default_rng([examples.seed, number])
        while True:
            slot, size = orders.get()
            images, labels, distortions = examples.batch(*size)
            np.frombuffer(slots[slot], np.uint8, images.size)[:] = images.ravel()
            made.put((slot, images.shape, labels, distortions))

    for number in range(workers):
        context.Process(target=work, args=(number,), daemon=True).start()
    for slot in range(len(slots)):
        orders.put((slot, shape()))
    ready: queue.Queue = queue.Queue(ahead)

    def collect():
        while True:
            slot, size, labels, distortions = made.get()
            images = np.frombuffer(slots[slot], np.uint8, int(np.prod(size))).reshape(size).copy()
            orders.put((slot, shape()))
            ready.put((images, labels, distortions))

    threading.Thread(target=collect, daemon=True).start()
    return ready


def loss_of(score: torch.Tensor, label: torch.Tensor, group: int = 2) -> torch.Tensor:
    """score, label [group * G], versions of one crop adjacent, the clean one first in a group of 3. Distance to the label, distance of
    each two versions' difference to the labels', and their order: linear, because the other two hardly see neighbouring levels (labels
    .02 apart) the wrong way round. A clean crop that is there only to be compared with counts less, or clean would be half of all labels."""
    score, label = score.view(-1, group), label.view(-1, group)
    distance = F.smooth_l1_loss(score, label, beta=0.1, reduction="none")
    if group == 3:
        distance = (0.4 * distance[:, 0] + distance[:, 1] + distance[:, 2]) / 2.4
    gap, wanted = (torch.stack([x[:, i] - x[:, j] for i, j in itertools.combinations(range(group), 2)]) for x in (score, label))
    order = F.relu(0.5 * wanted.abs() - wanted.sign() * gap).mean()
    return distance.mean() + 0.5 * F.smooth_l1_loss(gap, wanted, beta=0.1) + order


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
    state_file = a.out / "state.pt"
    state = torch.load(state_file, map_location="cpu", weights_only=True) if state_file.exists() and not a.smoke else None
    step, spent = (state["step"], state["spent"]) if state else (0, 0.0)  # seconds over all runs

    labels, _, parameters = kadid.read_labels(a.labels)
    photos = load_photos(a.photos, "train", limit=40 if a.smoke else None)
    print(f"{len(photos)} photographs", flush=True)
    examples = Examples(photos, labels, parameters, seed=a.seed + 1000 * step, clean_too=True, decoded=a.workers > 0)
    small = round(a.pairs * a.size / a.small_size), a.small_size

    def shape() -> tuple[int, int]:
        return small if spent < a.small_share * a.minutes * 60 else (a.pairs, a.size)

    if a.workers:
        most = max(pairs * size**2 * 3 * examples.group for pairs, size in (small, (a.pairs, a.size)))
        ready = from_processes(examples, shape, a.workers, most)
    else:
        ready = background(examples, shape)

    network = iqa_network.load_checkpoint(a.start) if a.start else iqa_network.pretrained()
    network = network.to(a.device, memory_format=torch.channels_last)
    for stage in [network.stem, *network.blocks][: a.freeze]:
        stage.requires_grad_(False)
    averaged = copy.deepcopy(network).eval().requires_grad_(False)
    slow, fast = list(averaged.parameters()), list(network.parameters())
    groups = [
        {"params": [p for p in network.backbone_parameters() if p.requires_grad], "lr": a.lr_backbone, "top": a.lr_backbone},
        {"params": network.head_parameters(), "lr": a.lr_head, "top": a.lr_head},
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=1e-4, betas=(0.9, 0.99))
    if state:
        network.load_state_dict(state["network"])
        averaged.load_state_dict(state["averaged"])
        optimizer.load_state_dict(state["optimizer"])
        print(f"continues at step {step}, {spent / 60:.1f} min", flush=True)
    cuda = torch.device(a.device).type == "cuda"
    torch.backends.cudnn.benchmark, torch.backends.cudnn.benchmark_limit = True, 4  # shapes hardly ever change; a few s at the start
    log = open(a.out / "log.csv", "a", encoding="utf-8")
    before, offset, saved = time.monotonic(), spent, time.monotonic()
    seen, waited, shown, recent = 0, 0.0, time.monotonic(), []  # recent: figures of each step, read every 20 so that a GPU need not stop

    def save(name: str):
        content = {"network": averaged.state_dict(), "step": step, "minutes": spent / 60}
        write(a.out / name, content)
        optimizer_state = {"network": network.state_dict(), "averaged": averaged.state_dict(),
                           "optimizer": optimizer.state_dict(), "step": step, "spent": spent}  # fmt: skip
        write(state_file, optimizer_state)

    while spent < a.minutes * 60:
        fetch = time.monotonic()
        images, target, distortions = ready.get()
        waited += time.monotonic() - fetch
        progress = spent / (a.minutes * 60)
        factor = float(min(1.0, (step + 1) / 50) * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * progress))))  # PyTorch loads no NumPy scalars
        for group in optimizer.param_groups:
            group["lr"] = group["top"] * factor
        # uint8 NHWC seen as NCHW is channels_last already
        images, target = torch.from_numpy(images), torch.from_numpy(target)
        if cuda:
            images, target = images.pin_memory(), target.pin_memory()
        image = images.to(a.device, non_blocking=True).permute(0, 3, 1, 2).float().div_(255)
        label = target.to(a.device, non_blocking=True)
        with torch.autocast(a.device.split(":")[0], torch.bfloat16, enabled=cuda):
            features = network.features(image)  # the pixel statistics among them stay float32
        score, _ = network.judge(features)
        loss = loss_of(score, label, examples.group)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        step += 1
        with torch.no_grad():
            keep = min(a.ema, (1 + step) / (10 + step))
            torch._foreach_lerp_(slow, fast, 1 - keep)
            gap, wanted = (torch.diff(x.view(-1, examples.group)) for x in (score, label))
            told = wanted.abs() > 0.03
            agreed = ((gap.sign() == wanted.sign()) & told).sum() / told.sum().clamp(min=1)
            apart = (score - label).abs().view(-1, examples.group).mean(1)  # [groups]
            recent.append((distortions, torch.cat([torch.stack([loss, apart.mean(), agreed]), apart])))
        seen += len(images)
        spent = offset + time.monotonic() - before
        if step % 20 == 0:
            speed = seen / (time.monotonic() - shown)
            figures = [(names, row.tolist()) for names, row in recent]
            for names, row in figures:
                examples.learn(names, row[3:])
            means = np.mean([row[:3] for _, row in figures], 0)
            line = [step, f"{spent / 60:.2f}", *(f"{x:.4f}" for x in means), f"{speed:.1f}"]
            print(f"step {step} min {line[1]} loss {line[2]} mae {line[3]} rank {line[4]} {line[5]} images/s "
                  f"waited {waited:.1f} s", flush=True)  # fmt: skip
            log.write(",".join(map(str, line)) + "\n")
            log.flush()
            seen, waited, shown, recent = 0, 0.0, time.monotonic(), []
        if time.monotonic() - saved > a.save_every:
            save("latest.pt")
            saved = time.monotonic()
            worst = sorted(examples.distortions, key=lambda one: examples.error[one])[-6:]
            print("worst damages:", ", ".join(f"{one} {examples.error[one]:.2f}" for one in worst), flush=True)
    save("latest.pt")
    save("final.pt")
    print(f"done: {step} steps, {spent / 60:.1f} min", flush=True)


if __name__ == "__main__":
    main()
