r"""What each mechanism is worth: restorers trained alike but for one thing (train_photo.py --ablation), on the same held-out crops;
and what the method adds to a plain restorer (--network plain, plain-score, plain-prior).

    export TRAIN="python models/train_photo.py --photos DATA/photos-train --scores RUN/scores.npz --iqa IQA/final.pt --crop 64 --batch 8 --iterations 2000 --bf16"
    one() {
      mkdir -p ABLATIONS/$1 && cp RUN/codebooks.pt ABLATIONS/$1
      case $1 in again) what="--seed 1" ;; plain*) what="--network $1" ;; *) what="--ablation $1" ;; esac
      OMP_NUM_THREADS=1 $TRAIN $what --out ABLATIONS/$1
    }
    export -f one
    printf '%s\n' none again score second-codebook discrete-quality continuous-quality adversarial plain plain-score plain-prior |
      xargs -P 2 -I{} bash -c 'one {}'       # 5 minutes each on one core of a processor with avx512_bf16; on a GPU: --device cuda --workers 1 --crop 96 --batch 32
    python models/ablations.py ABLATIONS --iqa IQA/final.pt --photos DATA/photos-val --out models/results/ablations.json --plot models/results/ablations.png

Each from a fresh network and the same codebooks, with the same crops in the same order: far from converged, so the differences
count, not the values. `again` is the first once more with other weights and crops: a difference no larger than its own is chance.
A crop of 192 px of each photograph at each level; the gain in PSNR and the judge's distance as in over_optimise.py, the
learned score, all as means, and as differences to `none` (the plain networks': to `plain`), picture by picture, with their
standard errors. Each is asked for two scores, .9 and .5: what the score itself changes is the difference.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import mean, stdev

import torch

from degradations import LEVELS, damage_at_level
from iqa_network import load_checkpoint
from judge import JudgeDistance
from over_optimise import PLACE, SIZE, load_restorer, measures
from photo_samples import as_tensor
from photos import load_folder
from plain_network import NETWORKS
from train_photo import ABLATIONS

ASKED = (0.9, 0.5)
PLAIN = tuple(name for name in NETWORKS if name != "photo")
TITLES = {"again": "as shipped, once more", "score": "no score", "second-codebook": "one codebook"}
RUNS = ("none", "again", *(name for name in ABLATIONS if name != "none"), *PLAIN)


Found = list[dict[str, float]]  # one picture each


def measured(runs: Path, pictures: list, quality, judge: JudgeDistance) -> dict[str, dict]:
    """Run -> iterations, and asked score -> level -> means, with the difference to the run that it is compared with."""
    results, bases = {}, {}
    for name in RUNS:
        checkpoint = runs / name / "photo.pt"
        if not checkpoint.exists():
            continue
        network = load_restorer(checkpoint, name if name in PLAIN else "photo")
        results[name] = dict(iterations=torch.load(checkpoint, map_location="cpu", weights_only=True)["iteration"])
        for asked in ASKED:
            results[name][str(asked)] = {}
            for level in LEVELS:
                found = restored(network, level, asked, pictures, quality, judge)
                base = bases.setdefault((name in PLAIN, asked, level), found)
                results[name][str(asked)][level] = {key: round(mean(each(found, key)), 4) for key in found[0]} | dict(over=over(found, base))
            print(name, asked, results[name][str(asked)], flush=True)
    return results


def restored(network, level: str, asked: float, pictures: list, quality, judge: JudgeDistance) -> Found:
    found, cut = [], slice(PLACE, PLACE + SIZE)
    for index, rgb in enumerate(pictures):
        clean, bad = (as_tensor(x[cut, cut])[None] for x in (rgb, damage_at_level(rgb, level, index)))
        with torch.inference_mode():
            picture = network(bad, torch.tensor([asked]), torch.ones(1))[0].clamp(0, 1)
        found.append(measures(quality, judge, picture, bad, clean))
    return found


def each(found: Found, key: str) -> list[float]:
    return [one[key] for one in found]


def over(found: Found, base: Found) -> dict[str, list[float]]:
    """Measure -> mean difference to the base's, picture by picture, and its standard error."""
    differences = {key: [a - b for a, b in zip(each(found, key), each(base, key))] for key in found[0]}
    return {key: [round(mean(values), 4), round(stdev(values) / len(values) ** 0.5, 4)] for key, values in differences.items()}


def plot(results: dict[str, dict], out: Path) -> None:
    """What each run has over the one it is compared with: a dot a level, with its standard error."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    titles = {"gain": "PSNR, dB", "score": "learned score", "judge": "judge's distance (less is better)"}
    names = [name for name in results if name not in ("none", "plain")]
    figure, axes = pyplot.subplots(1, 3, figsize=(13, 0.45 * len(names) + 1.2), sharey=True)
    for axis, (measure, title) in zip(axes, titles.items()):
        for shift, level in zip((-0.2, 0, 0.2), LEVELS):
            points = [results[name][str(ASKED[0])][level]["over"][measure] for name in names]
            places = [place + shift for place in range(len(names))]
            axis.errorbar([x for x, _ in points], places, xerr=[error for _, error in points], fmt="o", markersize=4, label=level)
        axis.axvline(0, color="gray", linewidth=0.8)
        axis.set_title(title, fontsize=10)
    axes[0].set_yticks(range(len(names)), [TITLES.get(name, name) for name in names])
    axes[0].invert_yaxis()
    axes[0].legend(fontsize=8)
    figure.savefig(out, dpi=90, bbox_inches="tight")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--iqa", type=Path, required=True, help="checkpoint of train_iqa.py")
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=41)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()

    held_out = [rgb for _, rgb in load_folder(arguments.photos)[: arguments.limit]]
    results = measured(arguments.runs, held_out, load_checkpoint(arguments.iqa).requires_grad_(False), JudgeDistance())
    arguments.out.write_text(json.dumps(dict(pictures=len(held_out), size=SIZE, runs=results), indent=1) + "\n")
    if arguments.plot:
        plot(results, arguments.plot)
