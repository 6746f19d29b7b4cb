"""Training samples of iqpir-photo: targets of every quality, and damaged inputs made from them on the fly.

A target is a crop of a clean photograph (85 %; three in four reduced, so that they lack the photograph's own noise and JPEG
traces) or of its lightly damaged copy (15 %, one fixed copy a photograph), with the score that the quality network gives to the
middle 256 px of that very copy. The input is the target damaged once more, so a request for the target's score has one right
answer: a high score asks for the clean picture, a lower one for less.

    python models/photo_samples.py --photos DATA/photos-train --iqa IQA_CHECKPOINT --out scores.npz     # 5 minutes, 2 cores; --device cuda
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from threading import Thread

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from degradations import GRAY, damage_at_random, damage_lightly, to_gray
from photos import decode_rgb, load_photos

LIGHT_TARGETS = 0.15
REDUCED = 0.75  # of the crops of clean photographs; by 1.25 to 2
CONTEXT = 32  # px more than the crop while it is damaged, so that no crop edge shows
ASSUMED = (0.9, 0.6)  # scores of clean and lightly damaged targets where no quality network is given


class Targets:
    """Clean photographs and their lightly damaged copies, decoded, with scores [photos, 2] (clean, light)."""

    def __init__(self, folder: Path, scores: Path | None = None, limit: int | None = None):
        photos = load_photos(folder, "train", limit=limit)
        with ThreadPoolExecutor() as pool:  # OpenCV and NumPy let go of the interpreter's lock
            self.clean = list(pool.map(lambda photo: decode_rgb(photo.encoded), photos))
            self.light = list(pool.map(lambda i: damage_lightly(self.clean[i], np.random.default_rng([7, i])), range(len(photos))))
        self.scores = np.tile(np.float32(ASSUMED), (len(photos), 1))
        if scores is not None:
            self.scores = np.load(scores)["scores"][: len(photos)]


def as_tensor(picture: np.ndarray) -> torch.Tensor:  # uint8 [H,W,3] -> float [3,H,W] 0..1
    return torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1).float() / 255


class Samples:
    """Draws (input, target, score) with a generator of the caller's. Crops are multiples of 32 px."""

    def __init__(self, targets: Targets, crop: int, damaged: bool = True):
        self.targets, self.crop, self.damaged = targets, crop, damaged

    def sample(self, rng: np.random.Generator):
        index = int(rng.integers(len(self.targets.clean)))
        light = int(rng.random() < LIGHT_TARGETS)
        photo = (self.targets.light if light else self.targets.clean)[index]
        side = self.crop + CONTEXT
        reduced = not light and rng.random() < REDUCED
        taken = min(round(side * rng.uniform(1.25, 2)), *photo.shape[:2]) if reduced else side
        top, left = (int(rng.integers(0, edge - taken + 1)) for edge in photo.shape[:2])
        wide = photo[top : top + taken, left : left + taken]
        if reduced:
            wide = cv2.resize(wide, (side, side), interpolation=cv2.INTER_AREA)
        if rng.random() < 0.5:
            wide = wide[:, ::-1]
        if rng.random() < 0.3:
            wide = wide.transpose(1, 0, 2)
        if rng.random() < GRAY:
            wide = to_gray(np.ascontiguousarray(wide))
        wide = np.ascontiguousarray(wide)
        # pictures mostly keep their JPEG grid at the origin, where the network's 8 px cells are too; some were cropped since
        step = 8 if rng.random() < 0.6 else 1
        y, x = (int(rng.integers(0, CONTEXT // step + 1)) * step for _ in range(2))
        inside = slice(y, y + self.crop), slice(x, x + self.crop)
        bad = damage_at_random(wide, rng) if self.damaged else wide
        score = np.float32(np.clip(self.targets.scores[index, light] + rng.normal(0, 0.02), 0, 1))
        return bad[inside], wide[inside], score

    def batch(self, size: int, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Input and target uint8 [N,h,h,3], score float [N]."""
        return tuple(torch.from_numpy(np.stack(part)) for part in zip(*(self.sample(rng) for _ in range(size))))


class Endless(IterableDataset):
    """Batches for ever; each worker draws with a seed of its own."""

    def __init__(self, samples: Samples, batch: int, seed: int):
        self.samples, self.size, self.seed = samples, batch, seed

    def __iter__(self):
        cv2.setNumThreads(1)
        rng = np.random.default_rng([self.seed, get_worker_info().id])
        while True:
            yield self.samples.batch(self.size, rng)


def batches(targets: Targets, crop: int, batch: int, seed: int, damaged: bool = True, workers: int = 0, device: str = "cpu"):
    """Endless (input [N,3,h,h] 0..1, target, score [N]) on the device, pictures in channels_last, made ahead.

    By one thread on a CPU, which trains on the other cores; for a GPU by `workers` processes, forked before CUDA is first used."""
    cv2.setNumThreads(1)
    samples = Samples(targets, crop, damaged)
    for pictures in by_processes(samples, batch, seed, workers) if workers else by_thread(samples, batch, seed):
        bad, good, score = (part.to(device, non_blocking=True) for part in pictures)
        # uint8 [N,h,w,3] seen as [N,3,h,w] is channels_last already
        yield bad.permute(0, 3, 1, 2).float() / 255, good.permute(0, 3, 1, 2).float() / 255, score


def by_thread(samples: Samples, batch: int, seed: int):
    rng, ready = np.random.default_rng(seed), Queue(maxsize=4)

    def fill() -> None:
        while True:
            ready.put(samples.batch(batch, rng))

    Thread(target=fill, daemon=True).start()
    while True:
        yield ready.get()


def by_processes(samples: Samples, batch: int, seed: int, workers: int):
    return iter(DataLoader(Endless(samples, batch, seed), batch_size=None, num_workers=workers, prefetch_factor=4, pin_memory=True))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--iqa", type=Path, required=True, help="checkpoint of train_iqa.py")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--limit", type=int, help="only so many photographs")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()

    from iqa_network import load_checkpoint

    network, began = load_checkpoint(arguments.iqa).to(arguments.device), time.time()
    targets = Targets(arguments.photos, limit=arguments.limit)
    scores = np.zeros_like(targets.scores)
    with torch.inference_mode():
        for column, pictures in enumerate((targets.clean, targets.light)):
            for start in range(0, len(pictures), 8):
                middle = [as_tensor(p[128:384, 128:384]) for p in pictures[start : start + 8]]
                scores[start : start + 8, column] = network(torch.stack(middle).to(arguments.device))[0].cpu().numpy()
    np.savez(arguments.out, scores=scores)
    for name, column in zip(("clean", "light"), scores.T):
        print(name, "score percentiles 5 25 50 75 95:", np.round(np.percentile(column, [5, 25, 50, 75, 95]), 3))
    print(f"{len(scores)} photographs in {time.time() - began:.0f} s")
