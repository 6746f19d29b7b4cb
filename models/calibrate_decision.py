"""Finds how much of a restorer's change may be delivered: the card's decision.largestChange.

    python models/damage.py PHOTOS_TRAIN DAMAGED --split calibration --clean-copies CLEAN     # 150 photographs, never trained on
    iqpir restore DAMAGED -o RESTORED --deliver always
    iqpir restore CLEAN -o CLEAN-RESTORED --deliver always
    python models/calibrate_decision.py --clean CLEAN --clean-restored CLEAN-RESTORED --damaged DAMAGED --restored RESTORED \
        --good 0.98 --margin -0.2 --out models/results/iqpir-photo-decision.json              # more folders: more seeds of the damage

Each picture's record holds its learned score as it came, `RESTORED` what the restorer made of it with nothing held back. Two
numbers are looked for: how much a place may change, root mean square in levels of 255, where the picture scores SCORES[0] and
where it scores SCORES[1] (geometric between and beyond, hold_back.py). A picture that scores --good or more stays as it is, and so does
one whose score does not rise by --margin (below zero: that falls by more than that), as scored with nothing held back.
Chosen: the pair with the largest gain in PSNR, the sum of the three levels' means, of those that leave at most ALLOWED of each
level's pictures more than 0.1 dB worse than they came. Photographs with NOISY of noise of their own are left out of that, since taking
their noise away counts as harm; `worse_of_all` counts them in. `clean` says what the same rules do to pictures without damage, to which
a restorer can only do harm: the share that is changed at all, and the PSNR below which the worst twentieth of all of them come to lie.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from degradations import LEVELS
from hold_back import cell_energies, scale_map
from picture_measures import by_name, load

WORSE, ALLOWED = 0.1, 0.025
NOISY = 0.6  # standard deviation in levels of 255; with iqpir-photo 0.5.0, 3 % of the mild ones below and 17 % above came out worse
BLOCK = 8  # px
UNSEEN = 1e-3  # mean square in levels of 255, 78 dB: what has less counts as the same
SCORES = (0.2, 0.8)
TRIED = np.geomspace(0.25, 32, 22)  # limits at which each picture's gain is computed, linear between their logarithms


def record_of(records: Path, name: str) -> dict:
    """The record of a picture, wherever below this folder."""
    found = list(records.rglob(f"{name}.*.json"))
    if len(found) != 1:
        raise FileNotFoundError(f"Expected one record of {name} below {records} but found {len(found)}")
    return json.loads(found[0].read_text())


def learned_scores(record: dict) -> tuple[float, float]:
    """As the picture came, and as the restorer left it."""
    return next((score["before"], score["after"]) for score in record["assessment"] if "model" in score)


def own_noise(clean: np.ndarray) -> float:
    """Standard deviation, levels of 255, in the flattest twentieth of the 16 px cells of medium brightness; 0 where there are none.

    By a difference of Laplacians, which edges and slopes hardly touch (Immerkaer 1996)."""
    gray = cv2.cvtColor(clean, cv2.COLOR_RGB2GRAY).astype(np.float32)
    noise = cv2.filter2D(gray, -1, np.float32([[1, -2, 1], [-2, 4, -2], [1, -2, 1]]) / 6)
    cells = tuple(side // 16 for side in gray.shape[::-1])
    square, light = (cv2.resize(x, cells, interpolation=cv2.INTER_AREA) for x in (noise**2, gray))
    square = square[(light > 20) & (light < 235)]
    return float(np.percentile(square, 5) ** 0.5) if square.size else 0.0


def psnr_curve(clean: np.ndarray, damaged: np.ndarray, restored: np.ndarray) -> np.ndarray:
    """PSNR, dB, as it came and at each of TRIED; the scale, which is even over 32 px, is taken as one number every BLOCK px."""
    height, width = (side - side % BLOCK for side in damaged.shape[:2])
    damaged = damaged.astype(np.float32)
    change, error = restored - damaged, damaged - clean
    blocks = (width // BLOCK, height // BLOCK)
    square, shared = (cv2.resize(np.mean(x, 2)[:height, :width], blocks, interpolation=cv2.INTER_AREA) for x in (change**2, change * error))
    energies, before = cell_energies(change), np.mean(error**2)
    scales = [scale_map(energies, limit, height, width, BLOCK) for limit in TRIED]
    after = [before + np.mean(scale * (scale * square + 2 * shared)) for scale in scales]
    return 10 * np.log10(255**2 / np.maximum([before, *after], UNSEEN))


def at_limits(curves: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """curves [pictures, TRIED], limits [pictures] -> PSNR of each picture at its own limit."""
    logs = np.log(TRIED)
    place = np.clip((np.log(limits) - logs[0]) / (logs[1] - logs[0]), 0, len(TRIED) - 1.001)
    first, rows = place.astype(int), np.arange(len(curves))
    return curves[rows, first] * (1 - place + first) + curves[rows, first + 1] * (place - first)


@dataclass(frozen=True)
class Pictures:
    """What is known of each: its level, or "clean"; whether the photograph is noisy; its scores; its PSNR as it came and at each of TRIED."""

    level: np.ndarray
    noisy: np.ndarray
    before: np.ndarray
    after: np.ndarray
    curves: np.ndarray

    def outcome(self, more: float, less: float, good: float, margin: float) -> dict:
        """What two limits would deliver, at each level."""
        limits = more * (less / more) ** ((self.before - SCORES[0]) / (SCORES[1] - SCORES[0]))
        taken = (self.before < good) & (self.after - self.before >= margin)
        psnr = np.where(taken, at_limits(self.curves[:, 1:], limits), self.curves[:, 0])
        gain, found = psnr - self.curves[:, 0], {}
        for level in LEVELS:
            here = self.level == level
            judged = gain[here & ~self.noisy]
            worse, worse_of_all = (round(float(np.mean(some < -WORSE)), 4) for some in (judged, gain[here]))
            found[level] = dict(worse=worse, gain=round(float(judged.mean()), 3), worse_of_all=worse_of_all)
        clean = self.level == "clean"
        if clean.any():
            found["clean"] = dict(changed=round(float(taken[clean].mean()), 4), psnr_worst=round(float(np.percentile(psnr[clean], 5)), 2))
        return dict(levels=[round(float(more), 3), round(float(less), 3)], **found)


def best(lines: list[dict], allowed: float) -> dict | None:
    fine = [line for line in lines if all(line[name]["worse"] <= allowed for name in LEVELS)]
    return max(fine, key=lambda line: sum(line[name]["gain"] for name in LEVELS), default=None)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clean", type=Path, required=True)
    parser.add_argument("--clean-restored", type=Path, help="what --deliver always made of these")
    parser.add_argument("--damaged", type=Path, nargs="+", required=True)
    parser.add_argument("--restored", type=Path, nargs="+", required=True, help="with --deliver always, in the same order")
    parser.add_argument("--good", type=float, required=True, help="the card's decision.good")
    parser.add_argument("--margin", type=float, required=True, help="the card's decision.margin")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()

    originals, rows = {name: load(path) for name, path in by_name(arguments.clean).items()}, []
    noisy = {name: own_noise(clean) > NOISY for name, clean in originals.items()}

    def add(level: str, damaged: Path, restored: Path, records: Path) -> None:
        outputs = by_name(restored)
        for name, path in by_name(damaged).items():
            curve = psnr_curve(originals[name], load(path), load(outputs[name]))
            rows.append((level, noisy[name], *learned_scores(record_of(records, name)), curve))

    for damaged, restored in zip(arguments.damaged, arguments.restored, strict=True):
        for level in LEVELS:
            add(level, damaged / level, restored / level, restored / "records" / level)
    if arguments.clean_restored:
        add("clean", arguments.clean, arguments.clean_restored, arguments.clean_restored / "records")
    pictures = Pictures(*(np.array(part) for part in zip(*rows)))

    def search(good: float, margin: float) -> list[dict]:
        return [pictures.outcome(more, less, good, margin) for more in np.geomspace(2, 128, 49) for less in np.geomspace(0.25, 32, 57)]

    lines = search(arguments.good, arguments.margin)
    result = dict(
        pictures_a_level=int(np.sum(pictures.level == "mild")),
        noisy_of_these=int(np.sum(pictures.noisy[pictures.level == "mild"])),
        good=arguments.good,
        margin=arguments.margin,
        scores=SCORES,
        allowed=ALLOWED,
        worse_by_db=WORSE,
        chosen=best(lines, ALLOWED),
        nothing_held_back=pictures.outcome(TRIED[-1], TRIED[-1], np.inf, -np.inf),
        others={
            f"good {good}, margin {margin}": best(search(good, margin), ALLOWED)
            for good in (0.9, 0.95, 0.97, 0.98, 0.99)
            for margin in (0, -0.08, -0.2, -0.3)
        },
        other_shares={f"{allowed:.3f}": best(lines, allowed) for allowed in (0.015, 0.02, 0.03, 0.05)},
    )
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
