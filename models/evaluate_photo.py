"""Judges restored pictures that the command line delivered against the clean ones: PSNR, SSIM, feature distance, the judge's distance.

    python models/package_weights.py squeezenet                     # once, for the judge; without it that column is left out
    python models/damage.py CLEAN DAMAGED
    iqpir restore DAMAGED -o RESTORED
    python models/evaluate_photo.py --clean CLEAN --damaged DAMAGED --restored RESTORED --out models/results/iqpir-photo.json

    for s in 0 1 2 3 4; do python models/damage.py CLEAN DAMAGED/$s --seed $s; done        # five draws of the damage
    iqpir restore DAMAGED -o RESTORED
    python models/evaluate_photo.py --clean CLEAN --damaged DAMAGED --restored RESTORED --seeds 0 1 2 3 4

DAMAGED and RESTORED hold mild/, medium/ and hard/; pictures are matched by name without extension. For each level: means of
what went in and what came out, the gain in dB and SSIM, the ratios of feature distances (below 1 is better; `judge_ratio` is that of a
network which no training looks at), the share of pictures worse by more than 0.1 dB, the share that came back changed.
With --seeds both folders hold 0/mild/ and so on; means are over all seeds' pictures, and each seed's gain is there too.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from degradations import LEVELS
from judge import JudgeDistance
from perceptual import FeatureDistance
from picture_measures import by_name, feature_distance, load, psnr, ssim

WORSE = 0.1  # dB


def networks() -> dict[str, torch.nn.Module]:
    """What measures distance: `feature`, and `judge` where its weights are here."""
    found = {"feature": FeatureDistance()}
    try:
        found["judge"] = JudgeDistance()
    except FileNotFoundError as missing:
        print(f"Without the independent judge. {missing}")
    return found


def judge(clean: Path, damaged: Path, restored: Path, measures: dict[str, torch.nn.Module]) -> list[dict]:
    """One row a picture."""
    originals, outputs, rows = by_name(clean), by_name(restored), []
    for name, path in by_name(damaged).items():
        if name not in originals or name not in outputs:
            raise FileNotFoundError(f"Expected {name} in {clean} and in {restored}, but one of them lacks it")
        target, before, after = load(originals[name]), load(path), load(outputs[name])
        if after.shape != target.shape:
            raise ValueError(f"Expected {name} to be {target.shape} but the restored picture is {after.shape}")
        row = dict(name=name, changed=bool((before != after).any()))
        row |= measured(before, target, "before", measures)
        rows.append(row | measured(after, target, "after", measures))
    return rows


def measured(picture: np.ndarray, target: np.ndarray, label: str, measures: dict[str, torch.nn.Module]) -> dict[str, float]:
    distances = {f"{name}_{label}": feature_distance(network, picture, target) for name, network in measures.items()}
    return {f"psnr_{label}": psnr(picture, target), f"ssim_{label}": ssim(picture, target), **distances}


def summary(rows: list[dict]) -> dict:
    def mean(key: str) -> float:
        return float(np.mean([row[key] for row in rows]))

    gains = np.array([row["psnr_after"] - row["psnr_before"] for row in rows])
    measures = [name for name in ("feature", "judge") if f"{name}_after" in rows[0]]
    ratios = {f"{name}_ratio": mean(f"{name}_after") / mean(f"{name}_before") for name in measures}
    seeds = sorted({row["seed"] for row in rows if "seed" in row})
    by_seed = {seed: round(float(gains[[row["seed"] == seed for row in rows]].mean()), 3) for seed in seeds}
    return {
        "pictures": len(rows),
        "psnr_before": round(mean("psnr_before"), 3),
        "psnr_gain": round(float(gains.mean()), 3),
        "ssim_before": round(mean("ssim_before"), 4),
        "ssim_gain": round(mean("ssim_after") - mean("ssim_before"), 4),
        **{name: round(ratio, 3) for name, ratio in ratios.items()},
        "worse_share": round(float((gains < -WORSE).mean()), 4),
        "worst_gain": round(float(gains.min()), 3),
        "changed_share": round(float(np.mean([row["changed"] for row in rows])), 3),
        **({"psnr_gain_by_seed": by_seed} if seeds else {}),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clean", type=Path, required=True)
    parser.add_argument("--damaged", type=Path, required=True)
    parser.add_argument("--restored", type=Path, required=True)
    parser.add_argument("--out", type=Path, help="JSON with the table and a row for each picture")
    parser.add_argument("--seeds", type=int, nargs="+", help="the folders hold one folder for each of these seeds of damage.py")
    arguments = parser.parse_args()

    measures, table, pictures = networks(), {}, {}
    for level in LEVELS:
        rows = []
        for seed in arguments.seeds or [None]:
            folder = "" if seed is None else str(seed)
            damaged, restored = (parent / folder / level for parent in (arguments.damaged, arguments.restored))
            if seed is None and not damaged.is_dir():
                continue
            found = judge(arguments.clean, damaged, restored, measures)
            rows += found if seed is None else [dict(seed=seed) | row for row in found]
        if not rows:
            continue
        pictures[level] = rows
        table[level] = summary(pictures[level])
        print(level, json.dumps(table[level]))
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        rounded = {k: [{n: round(v, 4) if isinstance(v, float) else v for n, v in r.items()} for r in rows] for k, rows in pictures.items()}
        arguments.out.write_text(json.dumps(dict(table=table, pictures=rounded)) + "\n")
