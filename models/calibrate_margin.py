"""Finds the do-no-harm margin: the smallest rise of the learned score that a result must show to be delivered.

    python models/damage.py PHOTOS_TRAIN DAMAGED --split calibration --clean-copies CLEAN     # 150 photographs, never trained on
    iqpir restore DAMAGED -o RESTORED --deliver always
    python models/calibrate_margin.py --clean CLEAN --damaged DAMAGED --restored RESTORED --good 0.7 \
        --out models/results/iqpir-photo-margin.json

Each picture's record holds the learned score before and after; PSNR against the clean photograph says whether it is worse.
At each level and margin: the share of all pictures that are delivered and more than 0.1 dB worse than what was uploaded (a
picture that scores --good or more before is not restored and counts as untouched), and the mean gain over all pictures. Chosen:
the smallest margin, 0 at least, with at most 5 % at every level.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from degradations import LEVELS
from picture_measures import by_name, load, psnr

WORSE, ALLOWED = 0.1, 0.05
MARGINS = np.round(np.arange(0, 0.3001, 0.005), 3)


def learned_rise(record: dict, good: float) -> float | None:
    """after - before of the learned score, towards better; None where the picture would not be restored."""
    for score in record.get("assessment", []):
        if "model" in score and "after" in score:
            sign = 1 if score["direction"] == "higher-is-better" else -1
            return sign * (score["after"] - score["before"]) if sign * score["before"] < sign * good else None
    return None


def record_of(restored: Path, level: str, name: str) -> dict:
    """The record of a picture, wherever below records/ the command line put this level's."""
    found = [p for p in (restored / "records").rglob(f"{name}.png.json") if level in p.relative_to(restored).parts]
    if len(found) != 1:
        raise FileNotFoundError(f"Expected one record of {level}/{name}.png below {restored / 'records'} but found {len(found)}")
    return json.loads(found[0].read_text())


def curve(rises: list[float | None], gains: list[float]) -> list[dict]:
    rise = np.array([-np.inf if r is None else r for r in rises])
    gain = np.array(gains)
    lines = []
    for margin in MARGINS:
        delivered = rise >= margin
        worse = delivered & (gain < -WORSE)
        lines.append(
            dict(
                margin=float(margin),
                delivered=round(float(delivered.mean()), 4),
                worse=round(float(worse.mean()), 4),
                worse_of_delivered=round(float(worse.sum() / max(1, delivered.sum())), 4),
                gain=round(float(np.where(delivered, gain, 0).mean()), 4),
            )
        )
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clean", type=Path, required=True)
    parser.add_argument("--damaged", type=Path, required=True)
    parser.add_argument("--restored", type=Path, required=True)
    parser.add_argument("--good", type=float, required=True, help="the card's decision.good")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()

    originals, curves = by_name(arguments.clean), {}
    for level in LEVELS:
        outputs, rises, gains = by_name(arguments.restored / level), [], []
        for name, path in by_name(arguments.damaged / level).items():
            target = load(originals[name])
            rises.append(learned_rise(record_of(arguments.restored, level, name), arguments.good))
            gains.append(psnr(load(outputs[name]), target) - psnr(load(path), target))
        curves[level] = curve(rises, gains)
    fine = [i for i in range(len(MARGINS)) if all(curves[level][i]["worse"] <= ALLOWED for level in curves)]
    # a lucky gap below a worse margin does not count: every larger margin must hold as well
    chosen = next((i for i in fine if set(range(i, len(MARGINS))) <= set(fine)), None)
    result = dict(good=arguments.good, margin=None if chosen is None else float(MARGINS[chosen]), allowed=ALLOWED, worse_by_db=WORSE, curves=curves)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(result) + "\n")
    print("margin", result["margin"])
    for level, lines in curves.items():
        print(level, lines[chosen if chosen is not None else -1])
