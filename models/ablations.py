r"""What each mechanism is worth: restorers trained alike but for one thing (train_photo.py --ablation), on the same held-out crops;
and what the method adds to a plain restorer (--network plain, plain-score, plain-prior).

    TRAIN="python models/train_photo.py --photos DATA/photos-train --scores RUN/scores.npz --iqa IQA/final.pt --crop 96 --batch 32 \
      --device cuda --workers 1 --minutes 2"
    for name in none score second-codebook discrete-quality continuous-quality adversarial plain plain-score plain-prior; do
      mkdir -p ABLATIONS/$name && cp RUN/codebooks.pt ABLATIONS/$name
      case $name in plain*) what=--network ;; *) what=--ablation ;; esac
      $TRAIN $what $name --out ABLATIONS/$name &      # all at once, sharing a GPU: shipped so
    done; wait
    python models/ablations.py ABLATIONS --iqa IQA/final.pt --photos DATA/photos-val --out models/results/ablations.json --plot models/results/ablations.png

Minutes each, from a fresh network and the same codebooks: far from converged, so the differences count, not the values. A crop of 192 px of each photograph at each level; the gain in PSNR and the judge's distance as in over_optimise.py, the
learned score, all as means. Each is asked for two scores, .9 and .5: what the score itself changes is the difference.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

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


def table(runs: Path, pictures: list, quality, judge: JudgeDistance) -> dict[str, dict]:
    """Ablation -> iterations, and asked score -> level -> means."""
    results = {}
    for name in (*ABLATIONS, *PLAIN):
        checkpoint = runs / name / "photo.pt"
        if not checkpoint.exists():
            continue
        network = load_restorer(checkpoint, name if name in PLAIN else "photo")
        results[name] = dict(iterations=torch.load(checkpoint, map_location="cpu", weights_only=True)["iteration"])
        for asked in ASKED:
            results[name][str(asked)] = {level: means(network, level, asked, pictures, quality, judge) for level in LEVELS}
            print(name, asked, results[name][str(asked)], flush=True)
    return results


def means(network, level: str, asked: float, pictures: list, quality, judge: JudgeDistance) -> dict[str, float]:
    found, cut = [], slice(PLACE, PLACE + SIZE)
    for index, rgb in enumerate(pictures):
        clean, bad = (as_tensor(x[cut, cut])[None] for x in (rgb, damage_at_level(rgb, level, index)))
        with torch.inference_mode():
            restored = network(bad, torch.tensor([asked]), torch.ones(1))[0].clamp(0, 1)
        found.append(measures(quality, judge, restored, bad, clean))
    return {key: round(sum(one[key] for one in found) / len(found), 4) for key in found[0]}


def plot(results: dict[str, dict], out: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    titles = {"gain": "gain in PSNR, dB", "score": "learned score", "judge": "judge's distance, share of the damaged picture's"}
    figure, axes = pyplot.subplots(1, 3, figsize=(14, 3.8))
    for axis, (measure, title) in zip(axes, titles.items()):
        for place, (name, run) in enumerate(results.items()):
            values = [run[str(ASKED[0])][level][measure] for level in LEVELS]
            axis.bar([x + 0.8 / len(results) * (place - len(results) / 2) for x in range(len(values))], values, 0.75 / len(results), label="as shipped" if name == "none" else name)
        axis.set_xticks(range(len(LEVELS)), LEVELS)
        axis.set_title(title)
    axes[0].legend(fontsize=7)
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
    found = table(arguments.runs, held_out, load_checkpoint(arguments.iqa).requires_grad_(False), JudgeDistance())
    arguments.out.write_text(json.dumps(dict(pictures=len(held_out), size=SIZE, runs=found), indent=1) + "\n")
    if arguments.plot:
        plot(found, arguments.plot)
