"""Weights and a picture for iqpir-face drawn from two seeds: the same numbers on every machine, and no resemblance to a face.

What the network computes from them is compared with what the authors' network computed from the same (verify_golden.py). An
average of weights like these is no model of anything: figures taken with them say how fast, and how equal, never how good.

    python models/synthetic_face.py --layout LAYOUT.json --out /tmp/synthetic.pth     # a checkpoint to try import_iqpir.py with
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np
import torch

from face_network import FaceNetwork, layout, with_weights

WEIGHTS_SEED, INPUT_SEED = 20260331, 20260332  # of the golden file in golden/


def synthetic_weights(shapes: dict[str, tuple[int, ...]], seed: int) -> dict[str, torch.Tensor]:
    """A tensor for each name, drawn in the names' order and scaled so that signals keep their size through the network."""
    draw, weights = np.random.default_rng(seed), {}
    for name in sorted(shapes):
        shape = tuple(shapes[name])
        drawn = draw.standard_normal(shape).astype(np.float32)
        if name.endswith("embedding.weight") or name.startswith("score_embed"):
            drawn *= 0.5
        elif name == "position_emb":
            drawn *= 0.1
        elif name.endswith("bias"):
            drawn *= 0.02
        elif len(shape) == 1:
            drawn = 1 + np.float32(0.1) * drawn
        else:
            drawn /= np.float32(math.sqrt(math.prod(shape[1:])))
        weights[name] = torch.from_numpy(drawn)
    return weights


def synthetic_network(seed: int = WEIGHTS_SEED) -> FaceNetwork:
    return with_weights(synthetic_weights(layout(), seed))


def synthetic_image(seed: int = INPUT_SEED, batch: int = 1) -> torch.Tensor:
    """[batch, 3, 512, 512] in -1..1: 16 x 16 drawn colours, enlarged bilinearly."""
    small = np.random.default_rng(seed).uniform(-1, 1, (batch, 3, 16, 16)).astype(np.float32)
    return torch.nn.functional.interpolate(torch.from_numpy(small), size=(512, 512), mode="bilinear", align_corners=False)


def read_layout(path: Path) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of a checkpoint, from a JSON object of arrays."""
    return {name: tuple(shape) for name, shape in json.loads(path.read_text(encoding="utf-8")).items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layout", type=Path, required=True)
    parser.add_argument("--weights-seed", type=int, default=WEIGHTS_SEED)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    torch.save({"params_ema": synthetic_weights(read_layout(arguments.layout), arguments.weights_seed)}, arguments.out)
