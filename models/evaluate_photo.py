"""Judges restored pictures that the command line delivered against the clean ones: PSNR, SSIM, feature distance.

    python models/damage.py CLEAN DAMAGED
    iqpir restore DAMAGED -o RESTORED
    python models/evaluate_photo.py --clean CLEAN --damaged DAMAGED --restored RESTORED --out models/results/iqpir-photo.json

DAMAGED and RESTORED hold mild/, medium/ and hard/; pictures are matched by name without extension. For each level: means of
what went in and what came out, the gain in dB and SSIM, the ratio of feature distances (below 1 is better), the share of
pictures worse by more than 0.1 dB, the share that the command line delivered restored (its records, if there).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from degradations import LEVELS
from perceptual import FeatureDistance
from picture_measures import by_name, feature_distance, load, psnr, ssim

WORSE = 0.1  # dB


def judge(clean: Path, damaged: Path, restored: Path, network: FeatureDistance) -> list[dict]:
    """One row a picture."""
    originals, outputs, rows = by_name(clean), by_name(restored), []
    for name, path in by_name(damaged).items():
        if name not in originals or name not in outputs:
            raise FileNotFoundError(f"Expected {name} in {clean} and in {restored}, but one of them lacks it")
        target, before, after = load(originals[name]), load(path), load(outputs[name])
        if after.shape != target.shape:
            raise ValueError(f"Expected {name} to be {target.shape} but the restored picture is {after.shape}")
        row = dict(name=name, changed=bool((before != after).any()))
        for label, picture in (("before", before), ("after", after)):
            row[f"psnr_{label}"], row[f"ssim_{label}"] = psnr(picture, target), ssim(picture, target)
            row[f"feature_{label}"] = feature_distance(network, picture, target)
        rows.append(row)
    return rows


def summary(rows: list[dict]) -> dict[str, float]:
    def mean(key: str) -> float:
        return float(np.mean([row[key] for row in rows]))

    gains = np.array([row["psnr_after"] - row["psnr_before"] for row in rows])
    return {
        "pictures": len(rows),
        "psnr_before": round(mean("psnr_before"), 3),
        "psnr_gain": round(float(gains.mean()), 3),
        "ssim_before": round(mean("ssim_before"), 4),
        "ssim_gain": round(mean("ssim_after") - mean("ssim_before"), 4),
        "feature_ratio": round(mean("feature_after") / mean("feature_before"), 3),
        "worse_share": round(float((gains < -WORSE).mean()), 4),
        "worst_gain": round(float(gains.min()), 3),
        "changed_share": round(float(np.mean([row["changed"] for row in rows])), 3),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clean", type=Path, required=True)
    parser.add_argument("--damaged", type=Path, required=True)
    parser.add_argument("--restored", type=Path, required=True)
    parser.add_argument("--out", type=Path, help="JSON with the table and a row for each picture")
    arguments = parser.parse_args()

    network, table, pictures = FeatureDistance(), {}, {}
    for level in LEVELS:
        if not (arguments.damaged / level).is_dir():
            continue
        pictures[level] = judge(arguments.clean, arguments.damaged / level, arguments.restored / level, network)
        table[level] = summary(pictures[level])
        print(level, json.dumps(table[level]))
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        rounded = {k: [{n: round(v, 4) if isinstance(v, float) else v for n, v in r.items()} for r in rows] for k, rows in pictures.items()}
        arguments.out.write_text(json.dumps(dict(table=table, pictures=rounded), indent=1) + "\n")
