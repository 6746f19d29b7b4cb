"""Draws the log of train_photo.py: losses against doing nothing, and the validation gains, over the iterations.

    python models/plot_training.py RUN/photo.jsonl --out training.png
"""

import argparse
import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()

    lines = [json.loads(line) for line in arguments.log.read_text().splitlines()]
    steps = [line for line in lines if "restoration" in line]
    checks = [line for line in lines if "validation" in line]
    figure, (top, bottom) = pyplot.subplots(2, 1, figsize=(8, 7), sharex=True)
    top.plot([s["iteration"] for s in steps], [s["restoration"] - s["doing_nothing"] for s in steps])
    top.axhline(0, color="gray", linewidth=0.5)
    top.set_ylabel("log error against doing nothing")
    for level in ("mild", "medium", "hard"):
        bottom.plot([c["iteration"] for c in checks], [c["validation"][level] for c in checks], marker="o", label=level)
    bottom.set_ylabel("gain in PSNR, dB (41 crops a level)")
    bottom.set_xlabel("iteration")
    bottom.legend()
    figure.savefig(arguments.out, dpi=110, bbox_inches="tight")
