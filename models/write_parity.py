"""Writes what PyTorch computes from the checkpoints for one drawn picture, so that a test can hold the shipped ONNX files against it.

    python models/write_parity.py --photo RUN/photo.pt --iqa OUT/final.pt --out test/fixtures/parity.json

A model that is not named keeps what stands in the file. The picture is a formula that the test draws too; of the restored picture every third row and column is kept (base64 of
little-endian float32, [3, H/3, W/3]).
"""

from __future__ import annotations

import argparse
import base64
import json
from pathlib import Path

import numpy as np
import torch

from export_photo import load_network
from iqa_network import load_checkpoint

HEIGHT, WIDTH, STEP = 96, 128, 3


def drawn() -> np.ndarray:
    """[3, HEIGHT, WIDTH] float32 in 0.05..0.95: waves that differ by channel, and an edge."""
    c, y, x = np.mgrid[0:3, 0:HEIGHT, 0:WIDTH].astype(np.float64)
    waves = 0.5 + 0.25 * np.sin(0.11 * (c + 1) * x + 0.07 * y) + 0.1 * np.cos(0.31 * y - 0.13 * x)
    return (waves + np.where(x + y > 100, 0.1, -0.1)).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", type=Path)
    parser.add_argument("--iqa", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()

    image, asked, fidelity = torch.from_numpy(drawn())[None], 0.9, 1.0
    before = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
    found = before | {"height": HEIGHT, "width": WIDTH, "step": STEP}
    with torch.no_grad():
        if arguments.photo:
            restored, _ = load_network(arguments.photo)(image, torch.tensor([asked]), torch.tensor([fidelity]))
            kept = restored[0, :, ::STEP, ::STEP].contiguous().numpy().astype("<f4")
            found["iqpir-photo"] = {"score": asked, "fidelity": fidelity, "restored": base64.b64encode(kept.tobytes()).decode()}
        if arguments.iqa:
            score, weight = load_checkpoint(arguments.iqa)(image)
            found["iqa-photo"] = {"score": score.item(), "weight": weight.item()}
    arguments.out.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
