"""Does a learned score stay worth something when it is optimised harder and harder? Through codes, and through a free latent.

    python models/over_optimise.py --photo RUN/photo.pt --iqa IQA/final.pt --photos DATA/photos-val --out models/results/over-optimisation.json
    python models/over_optimise.py --plot models/results/over-optimisation.json --to models/results/over-optimisation.png

The restorer's weights stay as they are. For each damaged picture, Adam raises the learned score of the restored one by changing
  codes       the logits that choose both codes (forward the argmax, backward the softmax's expectation): what comes out stays
              a sum of learned entries. Discrete quality optimisation, the paper's
  latent      the quantised feature itself, which may leave every entry behind
  picture     the pixels, without any network: what the score alone holds the optimiser to
A step is the same share of each one's own size (--step of its standard deviation), so that none is merely slower. Means over
all pictures, after each number of steps: the score that is optimised; the gain in PSNR over the damaged picture, and the judge's
distance (SqueezeNet, which nothing is trained on) to the clean one, as a share of the damaged picture's.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from degradations import damage_at_level
from iqa_network import load_checkpoint
from judge import JudgeDistance
from photo_network import PhotoNetwork
from photo_samples import as_tensor
from photos import load_folder
from plain_network import NETWORKS, PlainNetwork

STEPS = (0, 1, 3, 10, 30, 100)
SIZE, PLACE = 192, 128  # px: side of the crop, and where it begins
SCORE, FIDELITY = 0.9, 1.0  # what is asked of the restorer
WAYS = ("codes", "latent", "picture")


def load_restorer(checkpoint: Path, kind: str = "photo") -> PhotoNetwork | PlainNetwork:
    network = NETWORKS[kind]()
    network.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["average"])
    return network.eval().requires_grad_(False)


def optimised(network: PhotoNetwork, bad: Tensor, way: str) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """What is changed, and how a restored picture [1,3,H,W] comes of it."""
    score, fidelity = torch.tensor([SCORE]), torch.tensor([FIDELITY])
    with torch.no_grad():
        logits, details = network.encode(bad, score)
        quantised, _ = network.prior.quantise(logits, score)
        restored = network.decode(bad, quantised, details, fidelity)
    if way == "codes":
        return logits, lambda free: network.decode(bad, network.prior.quantise(free, score)[0], details, fidelity).clamp(0, 1)
    if way == "latent":
        return quantised, lambda free: network.decode(bad, free, details, fidelity).clamp(0, 1)
    return restored, lambda free: free.clamp(0, 1)


def climb(quality, start: Tensor, picture_of: Callable[[Tensor], Tensor], step: float) -> dict[int, Tensor]:
    """The picture after each number of steps of ascent on its learned score."""
    free = start.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([free], lr=step * start.std().item())
    pictures = {}
    for taken in range(max(STEPS) + 1):
        picture = picture_of(free)
        if taken in STEPS:
            pictures[taken] = picture.detach()
        optimizer.zero_grad()
        (1 - quality(picture)[0]).sum().backward()
        optimizer.step()
    return pictures


def measures(quality, judge: JudgeDistance, picture: Tensor, bad: Tensor, clean: Tensor) -> dict[str, float]:
    with torch.inference_mode():
        score = quality(picture)[0].item()
    errors = [(x - clean).square().mean() for x in (bad, picture)]
    share = (judge(picture, clean) / judge(bad, clean)).item()
    return dict(score=score, gain=(10 * torch.log10(errors[0] / errors[1])).item(), judge=share)


def plot(results: dict, out: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = {"score": "learned score, optimised", "gain": "gain in PSNR, dB", "judge": "judge's distance, share of the damaged's"}
    figure, axes = pyplot.subplots(1, 3, figsize=(14, 3.6))
    for axis, (measure, title) in zip(axes, names.items()):
        lines = {way: [results["ways"][way][str(step)][measure] for step in STEPS] for way in WAYS}
        for way, line in lines.items():
            axis.plot(range(len(STEPS)), line, marker="o", label=way)
        if measure != "score":  # pixels leave the frame at once, and would hide how codes and latent differ
            near = lines["codes"] + lines["latent"]
            room = 0.3 * (max(near) - min(near))
            axis.set_ylim(min(near) - room, max(near) + room)
        axis.set_xticks(range(len(STEPS)), STEPS)
        axis.set_xlabel("steps")
        axis.set_title(title, fontsize=10)
    axes[0].legend()
    figure.savefig(out, dpi=90, bbox_inches="tight")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", type=Path, help="checkpoint of train_photo.py")
    parser.add_argument("--iqa", type=Path, help="checkpoint of train_iqa.py")
    parser.add_argument("--photos", type=Path, help="clean pictures that nothing was trained on")
    parser.add_argument("--level", default="medium")
    parser.add_argument("--step", type=float, default=0.1)
    parser.add_argument("--limit", type=int, default=41)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--plot", type=Path, help="draws these results, and measures nothing")
    parser.add_argument("--to", type=Path)
    arguments = parser.parse_args()
    if arguments.plot:
        plot(json.loads(arguments.plot.read_text()), arguments.to)
        raise SystemExit

    network, quality, judge = load_restorer(arguments.photo), load_checkpoint(arguments.iqa).requires_grad_(False), JudgeDistance()
    found: dict[str, dict[int, list[dict[str, float]]]] = {way: {step: [] for step in STEPS} for way in WAYS}
    cut = slice(PLACE, PLACE + SIZE)
    for index, (name, rgb) in enumerate(load_folder(arguments.photos)[: arguments.limit]):
        clean, bad = (as_tensor(x[cut, cut])[None] for x in (rgb, damage_at_level(rgb, arguments.level, index)))
        for way in WAYS:
            for step, picture in climb(quality, *optimised(network, bad, way), arguments.step).items():
                found[way][step].append(measures(quality, judge, picture, bad, clean))
        print(f"{index + 1} {name}", flush=True)
    ways = {
        way: {step: {key: round(sum(one[key] for one in all) / len(all), 4) for key in all[0]} for step, all in steps.items()}
        for way, steps in found.items()
    }
    asked = dict(level=arguments.level, step=arguments.step, pictures=len(found[WAYS[0]][0]), size=SIZE, score=SCORE, fidelity=FIDELITY)
    arguments.out.write_text(json.dumps(dict(asked=asked, ways=ways), indent=1) + "\n")
    for way in WAYS:
        print(way, ways[way])
