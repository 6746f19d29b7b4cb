"""Measures `iqa-photo` on photographs that it never saw, with the crops of iqa_inference.py, and writes the figures as JSON.

    nice python evaluate_iqa.py --model onnx/iqa-photo.onnx --photos DATA/photos-val \
        --labels DATA/kadid-dmos-by-level.csv --json results/iqa-photo.json              # 10 min on 2 cores
    python evaluate_iqa.py --smoke --model onnx/iqa-photo.onnx --photos DATA/photos-val --labels ...csv     # 20 s
    python evaluate_iqa.py --only 1 8 10 16 17 --model OUT/final.pt ... --threads 2      # 2 min: these damages alone, level by level

Parts: 25 damages x 5 levels against the mean human score of the level (Spearman, order of levels, clean against its own
copies); what must not cost anything (gray, toned, reduced, lightly compressed, blurred background); damage as restoration
meets it, by strength; and whether flat crops weigh little. Seeds are fixed: the same files give the same figures.
"""
import argparse
import hashlib
import json
import math
from pathlib import Path

import cv2
import numpy as np
from scipy.stats import pearsonr, spearmanr

import iqa_samples
import kadid
from iqa_inference import CROP, MOST_CROPS, Assessor
from photos import load_folder

STRENGTHS = [0, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0]
RECIPES = 4  # drawn recipes of blur, resize, noise, JPEG a photograph


def summary(values) -> dict[str, float]:
    """Mean, 95th percentile and maximum, rounded."""
    values = np.asarray(values, float)
    return {"mean": round(values.mean(), 4), "p95": round(np.quantile(values, 0.95), 4), "max": round(values.max(), 4)}


def kadid_part(assess, photos, clean, labels, names, parameters) -> dict:
    """clean: score of each untouched photograph. Scores every photograph x damage x level."""
    scores = {}  # (distortion, level) -> [photos]
    for key, parameter in parameters.items():
        rng = np.random.default_rng(1000 * key[0] + key[1])
        scores[key] = np.array([assess(kadid.distort(picture, key[0], parameter, rng)) for _, picture in photos])
        print(f"{names[key[0]]} {key[1]}: {scores[key].mean():.3f} for {labels[key]:.3f}", flush=True)
    judged = [key for key in labels if key not in kadid.LEFT_OUT]
    found = np.concatenate([scores[key] for key in judged])
    wanted = np.concatenate([np.full(len(photos), labels[key]) for key in judged])
    means = [scores[key].mean() for key in judged]
    rows, broken, above = [], [], []
    for distortion, name in names.items():
        levels = [level for level in range(1, 6) if (distortion, level) in judged]
        line = [scores[distortion, level].mean() for level in range(1, 6)]
        if distortion not in kadid.NOT_MONOTONE:
            for low, high in zip(levels, levels[1:]):
                if labels[distortion, low] > labels[distortion, high] and not line[low - 1] > line[high - 1]:
                    broken.append(f"{name} {low}-{high}: {line[low - 1]:.3f} {line[high - 1]:.3f}")
        shares = [float(np.mean(clean > scores[distortion, level])) for level in range(1, 6)]
        above += [shares[level - 1] for level in levels if (distortion, level) not in kadid.IDENTITY]
        rows.append({"distortion": distortion, "name": name, "leftOut": not levels,
                     "label": [round(labels[distortion, level], 3) for level in range(1, 6)],
                     "score": [round(float(x), 3) for x in line],
                     "cleanAbove": [round(x, 3) for x in shares]})  # fmt: skip
    return {
        "pictures": len(found),
        "spearman": round(float(spearmanr(found, wanted).statistic), 4),
        "pearson": round(float(pearsonr(found, wanted).statistic), 4),
        "meanAbsoluteError": round(float(abs(found - wanted).mean()), 4),
        "spearmanOfLevelMeans": round(float(spearmanr(means, [labels[key] for key in judged]).statistic), 4),
        "levelsOutOfOrder": broken,
        "cleanAboveDamaged": {"share": round(float(np.mean(above)), 4), "worst": round(min(above), 4)},
        "rows": rows,
    }


def harmless_part(assess, photos, clean) -> dict:
    """How much a clean photograph loses by changes that are no damage (positive: it lost)."""
    def reduced(picture):
        return cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)

    def toned(picture):
        return kadid.to_bytes(iqa_samples.to_gray(picture) * np.float32([1.08, 1, 0.86]))

    changes = {
        "gray": iqa_samples.to_gray,
        "toned": toned,
        "reducedToHalf": reduced,
        "jpeg95": lambda picture: kadid.jpeg(picture, 95),
        "jpeg90": lambda picture: kadid.jpeg(picture, 90),
    }
    for sigma in (1.5, 3.0):
        changes[f"blurredBackground{sigma}"] = lambda picture, s=sigma: iqa_samples.bokeh(picture, s, np.random.default_rng(5))
        changes[f"blurredAllOver{sigma}"] = lambda picture, s=sigma: cv2.filter2D(picture, -1, kadid.disk_kernel(2 * s))
    return {name: summary([score - assess(change(picture)) for score, (_, picture) in zip(clean, photos)])
            for name, change in changes.items()}  # fmt: skip


def restoration_part(assess, photos) -> dict:
    """Mean score and mean label by strength; share of neighbouring strengths of one photograph in the right order."""
    scores, labels = [], []
    rng = np.random.default_rng(77)
    for _, picture in photos:
        for _ in range(RECIPES):
            recipe = iqa_samples.draw_recipe(rng)
            versions = [iqa_samples.restoration_damage(picture, recipe, strength) for strength in STRENGTHS]
            scores.append([assess(version) for version, _ in versions])
            labels.append([label for _, label in versions])
    scores, labels = np.array(scores), np.array(labels)
    return {
        "strengths": STRENGTHS,
        "score": [round(float(x), 3) for x in scores.mean(0)],
        "label": [round(float(x), 3) for x in labels.mean(0)],
        "neighboursInOrder": round(float(np.mean(scores[:, :-1] > scores[:, 1:])), 4),
        "spearman": round(float(spearmanr(scores.ravel(), labels.ravel()).statistic), 4),
    }


def weight_part(assess, photos) -> dict:
    """Mean weight of a crop by how much there is to see in it (standard deviation of its luma, 0..255)."""
    deviations, weights = [], []
    for _, picture in photos:
        found = assess.crops(picture)[1]
        rows = math.isqrt(len(found))
        crops = [tile for band in np.array_split(picture, rows) for tile in np.array_split(band, rows, axis=1)]
        deviations += [float(cv2.cvtColor(np.ascontiguousarray(tile), cv2.COLOR_RGB2GRAY).std()) for tile in crops]
        weights += found.tolist()
    order, weights = np.argsort(deviations), np.array(weights)
    tenth = max(1, len(order) // 10)
    flat = assess.crops(np.full((256, 256, 3), 180, np.uint8))
    return {
        "flattestTenth": round(float(weights[order[:tenth]].mean()), 3),
        "all": round(float(weights.mean()), 3),
        "uniformGrayCrop": {"score": round(float(flat[0][0]), 3), "weight": round(float(flat[1][0]), 3)},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help=".onnx or a checkpoint")
    parser.add_argument("--photos", type=Path, required=True, help="folder of lossless validation photographs")
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--pattern", default="*.webp")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--limit", type=int, help="first so many photographs only")
    parser.add_argument("--only", type=int, nargs="+", help="numbers of the damages to try, and of the other parts none")
    parser.add_argument("--crop", type=int, default=CROP)
    parser.add_argument("--most", type=int, default=MOST_CROPS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--smoke", action="store_true", help="one photograph")
    a = parser.parse_args()
    photos = load_folder(a.photos, a.pattern)[: 1 if a.smoke else a.limit]
    labels, names, parameters = kadid.read_labels(a.labels)
    if a.only:
        names = {one: names[one] for one in a.only}
        labels, parameters = ({key: x for key, x in table.items() if key[0] in names} for table in (labels, parameters))
    assess = Assessor(a.model, a.threads, a.crop, a.most)
    clean = np.array([assess(picture) for _, picture in photos])
    result = {
        "version": 1,
        "model": a.model.name,
        "sha256": hashlib.sha256(a.model.read_bytes()).hexdigest(),
        "photographs": len(photos),
        "crop": a.crop,
        "mostCrops": a.most,
        "clean": {"mean": round(clean.mean(), 4), "min": round(clean.min(), 4), "max": round(clean.max(), 4)},
        **({} if a.only else {
            "harmless": harmless_part(assess, photos, clean),
            "restoration": restoration_part(assess, photos),
            "weight": weight_part(assess, photos),
        }),
        "kadid": kadid_part(assess, photos, clean, labels, names, parameters),
    }
    if a.json:
        a.json.parent.mkdir(parents=True, exist_ok=True)
        a.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for row in result["kadid"].pop("rows") if a.only else []:
        print(f"{row['name']}: clean {clean.mean():.4f} above", *(f"{x:.3f} ({share:.0%})" for x, share in zip(row["score"], row["cleanAbove"])))
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
