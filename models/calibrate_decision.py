"""Finds how much of a restorer's change may be delivered: the card's decision.largestChange.

    python models/damage.py PHOTOS_TRAIN DAMAGED --split calibration --clean-copies CLEAN     # 150 photographs, never trained on
    iqpir restore DAMAGED -o RESTORED --deliver always
    python models/calibrate_decision.py --clean CLEAN --damaged DAMAGED --restored RESTORED --good 0.8 \
        --out models/results/iqpir-photo-decision.json                                        # more folders: more seeds of the damage

Each picture's record holds its learned score as it came, `RESTORED` what the restorer made of it with nothing held back. Two
numbers are looked for: how much a place may change, root mean square in levels of 255, where the picture scores SCORES[0] and
where it scores SCORES[1] (geometric between and beyond, hold_back.py). A picture that scores --good or more stays as it is.
Chosen: the pair with the largest gain in PSNR, the sum of the three levels' means, of those that leave at most ALLOWED of each
level's pictures more than 0.1 dB worse than they came. That a result must also score as high as its source is not counted here.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np

from degradations import LEVELS
from hold_back import cell_energies, scale_map
from picture_measures import by_name, load

WORSE, ALLOWED = 0.1, 0.025
BLOCK = 8  # px
SCORES = (0.2, 0.8)
TRIED = np.geomspace(0.25, 32, 22)  # limits at which each picture's gain is computed, linear between their logarithms


def record_of(restored: Path, level: str, name: str) -> dict:
    """The record of a picture, wherever below records/ the command line put this level's."""
    found = [p for p in (restored / "records").rglob(f"{name}.png.json") if level in p.relative_to(restored).parts]
    if len(found) != 1:
        raise FileNotFoundError(f"Expected one record of {level}/{name}.png below {restored / 'records'} but found {len(found)}")
    return json.loads(found[0].read_text())


def learned_score(record: dict) -> float:
    """As the picture came."""
    return next(score["before"] for score in record["assessment"] if "model" in score)


def gains(clean: np.ndarray, damaged: np.ndarray, restored: np.ndarray) -> np.ndarray:
    """PSNR gained, dB, at each of TRIED; the scale, which is even over 32 px, is taken as one number every BLOCK px."""
    height, width = (side - side % BLOCK for side in damaged.shape[:2])
    damaged = damaged.astype(np.float32)
    change, error = restored - damaged, damaged - clean
    blocks = (width // BLOCK, height // BLOCK)
    square, shared = (cv2.resize(np.mean(x, 2)[:height, :width], blocks, interpolation=cv2.INTER_AREA) for x in (change**2, change * error))
    energies, before = cell_energies(change), np.mean(error**2) + 1e-9
    scales = [scale_map(energies, limit, height, width, BLOCK) for limit in TRIED]
    return np.array([-10 * np.log10(1 + np.mean(scale * (scale * square + 2 * shared)) / before) for scale in scales])


def at_limits(curves: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """curves [pictures, TRIED], limits [pictures] -> gain of each picture at its own limit."""
    logs = np.log(TRIED)
    place = np.clip((np.log(limits) - logs[0]) / (logs[1] - logs[0]), 0, len(TRIED) - 1.001)
    first, rows = place.astype(int), np.arange(len(curves))
    return curves[rows, first] * (1 - place + first) + curves[rows, first + 1] * (place - first)


def summary(gain: np.ndarray, level: np.ndarray) -> dict[str, dict[str, float]]:
    return {
        name: dict(worse=round(float(np.mean(gain[level == name] < -WORSE)), 4), gain=round(float(gain[level == name].mean()), 3))
        for name in LEVELS
    }


def search(curves: np.ndarray, score: np.ndarray, level: np.ndarray, good: float) -> list[dict]:
    """Every pair that was tried, with what it gives at each level."""
    lines = []
    for more in np.geomspace(2, 128, 49):
        for less in np.geomspace(0.125, 4, 41):
            limits = more * (less / more) ** ((score - SCORES[0]) / (SCORES[1] - SCORES[0]))
            gain = np.where(score < good, at_limits(curves, limits), 0)
            lines.append(dict(levels=[round(float(more), 3), round(float(less), 3)], **summary(gain, level)))
    return lines


def best(lines: list[dict], allowed: float) -> dict | None:
    fine = [line for line in lines if all(line[name]["worse"] <= allowed for name in LEVELS)]
    return max(fine, key=lambda line: sum(line[name]["gain"] for name in LEVELS), default=None)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clean", type=Path, required=True)
    parser.add_argument("--damaged", type=Path, nargs="+", required=True)
    parser.add_argument("--restored", type=Path, nargs="+", required=True, help="with --deliver always, in the same order")
    parser.add_argument("--good", type=float, required=True, help="the card's decision.good")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()

    originals, pictures = by_name(arguments.clean), []
    for damaged, restored in zip(arguments.damaged, arguments.restored, strict=True):
        for level in LEVELS:
            outputs = by_name(restored / level)
            for name, path in by_name(damaged / level).items():
                curve = gains(load(originals[name]), load(path), load(outputs[name]))
                pictures.append((level, learned_score(record_of(restored, level, name)), curve))
    level, score, curves = (np.array(part) for part in zip(*pictures))
    lines = search(curves, score, level, arguments.good)
    result = dict(
        pictures_a_level=len(pictures) // len(LEVELS),
        good=arguments.good,
        scores=SCORES,
        allowed=ALLOWED,
        worse_by_db=WORSE,
        chosen=best(lines, ALLOWED),
        nothing_held_back=summary(curves[:, -1], level),
        nothing_left_alone=best(search(curves, score, level, np.inf), ALLOWED),
        others={f"{allowed:.3f}": best(lines, allowed) for allowed in (0.015, 0.02, 0.03, 0.05)},
    )
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
