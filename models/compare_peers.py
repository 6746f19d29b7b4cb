"""The table of ours and of what people use: same damaged pictures, same measures, one run.

    python models/package_weights.py && python models/damage.py DATA/photos-val VAL && npx iqpir restore VAL -o VAL-OUT --quiet
    python models/peers.py blur ffdnet waifu2x --damaged VAL --out PEERS
    python models/compare_peers.py --clean DATA/photos-val --damaged VAL --restored iqpir-photo=VAL-OUT blur=PEERS/blur \
        ffdnet=PEERS/ffdnet waifu2x=PEERS/waifu2x --out models/results/peers.json
    python models/compare_peers.py --seeds 0 1 2 3 4 --damaged VAL/SEED --restored iqpir-photo=VAL-OUT/SEED blur=PEERS/SEED/blur ...
    python models/compare_peers.py ... --centre 256      # the middle only, for peers that restored only the middle (peers.py --centre 272)
    python models/compare_peers.py --markdown models/results/peers.json      # the table again

Each folder holds mild/, medium/ and hard/. A restored picture that is smaller than the clean one is its middle. Only the pictures that
every candidate has are compared, and how many that were is in the table. Judge: judge.py, where its weights are here.
With --seeds the word SEED in a folder's name stands for each of them; means are over all seeds' pictures.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from degradations import LEVELS
from evaluate_photo import measured, networks, summary
from peers import centre
from picture_measures import by_name, load

COLUMNS = {
    "PSNR dB": lambda row: f"{row['psnr_gain']:+.2f}",
    "SSIM": lambda row: f"{row['ssim_gain']:+.4f}",
    "feature distance": lambda row: f"{row['feature_ratio']:.2f} x",
    "judge's distance": lambda row: f"{row['judge_ratio']:.2f} x" if "judge_ratio" in row else "not measured",
    "worse by 0.1 dB": lambda row: f"{100 * row['worse_share']:.1f} %",
}


def of_seed(folder: Path, seed: int | None) -> Path:
    return folder if seed is None else Path(str(folder).replace("SEED", str(seed)))


def compare(
    clean: Path, damaged: Path, restored: dict[str, Path], levels: Sequence[str], edge: int | None, seeds: Sequence[int | None]
) -> dict[str, dict[str, dict]]:
    """Level -> candidate -> summary."""
    measures, table, originals = networks(), {}, by_name(clean)
    for level in levels:
        rows: dict[str, list[dict]] = {candidate: [] for candidate in restored}
        for seed in seeds:
            inputs = by_name(of_seed(damaged, seed) / level)
            outputs = {candidate: by_name(of_seed(folder, seed) / level) for candidate, folder in restored.items()}
            for name in inputs:
                if not all(name in found for found in outputs.values()):
                    continue
                target, picture = (centre(load(path), edge) for path in (originals[name], inputs[name]))
                before = measured(picture, target, "before", measures)
                for candidate, found in outputs.items():
                    output = centre(load(found[name]), edge)
                    if output.shape != target.shape:
                        raise ValueError(f"Expected {name} of {candidate} to be {target.shape} but it is {output.shape}")
                    changed = bool((output != picture).any())
                    # what was left alone needs no second measurement
                    same = {key.replace("before", "after"): value for key, value in before.items()}
                    after = measured(output, target, "after", measures) if changed else same
                    rows[candidate].append(dict(changed=changed) | before | after)
        table[level] = {candidate: summary(found) for candidate, found in rows.items()}
        print(level, json.dumps(table[level]), flush=True)
    return table


def markdown(result: dict) -> str:
    lines = [f"| level | | {' | '.join(COLUMNS)} |", "|---|---|" + "---|" * len(COLUMNS)]
    for level, candidates in result["table"].items():
        for candidate, row in candidates.items():
            lines.append(f"| {level} | {candidate} | {' | '.join(show(row) for show in COLUMNS.values())} |")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clean", type=Path)
    parser.add_argument("--damaged", type=Path)
    parser.add_argument("--restored", nargs="+", metavar="NAME=FOLDER", default=[])
    parser.add_argument("--levels", nargs="+", choices=list(LEVELS), default=list(LEVELS))
    parser.add_argument("--centre", type=int, help="compare only the middle so many px")
    parser.add_argument("--seeds", type=int, nargs="+", help="draws of damage.py, each in the folders in whose names it takes SEED's place")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--markdown", type=Path, help="print this result's table, and nothing else")
    arguments = parser.parse_args()
    if arguments.markdown:
        print(markdown(json.loads(arguments.markdown.read_text())))
        raise SystemExit
    if not (arguments.clean and arguments.damaged and arguments.restored):
        parser.error("Expected --clean, --damaged and --restored")

    torch.set_num_threads(1)
    folders = {name: Path(folder) for name, folder in (pair.split("=", 1) for pair in arguments.restored)}
    seeds = arguments.seeds or [None]
    table = compare(arguments.clean, arguments.damaged, folders, arguments.levels, arguments.centre, seeds)
    result = dict(centre=arguments.centre, seeds=arguments.seeds, table=table, seconds={})
    for name, folder in folders.items():
        timed = [path for seed in seeds if (path := of_seed(folder, seed) / "seconds.json").is_file()]
        spent = [seconds for path in timed for seconds in json.loads(path.read_text()).values()]
        if spent:
            result["seconds"][name] = round(float(np.mean(spent)), 3)
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(result, indent=1) + "\n")
    print(markdown(result))
