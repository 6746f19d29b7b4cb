"""Scores whole pictures of any size with `iqa-photo`: which crops are taken, and how their scores are pooled.

    python iqa_inference.py --model onnx/iqa-photo.onnx PICTURE...        # prints score, weight and crops of each

The recipe, the one that the model's card states:
  1. crops of at most 256 x 256 px at native resolution, side by side or evenly overlapping, so that they cover the picture;
     at most 12 of them: a bigger picture is sampled on an even grid (4 x 3 for a landscape photograph);
  2. a side below 256 px is taken whole and padded right or bottom by repeating the edge, to a multiple of 32 and at least 64;
  3. score = sum(weight * score) / sum(weight) over the crops.
"""
import argparse
import math
from pathlib import Path

import numpy as np

from photos import decode_rgb

CROP = 256  # px
MOST_CROPS = 12


def crop_length(side: int, crop: int = CROP) -> int:
    return min(crop, max(64, math.ceil(side / 32) * 32))


def starts(side: int, length: int, count: int) -> list[int]:
    """Evenly spaced first pixels of `count` crops along a side; a single crop sits in the middle."""
    room = max(side - length, 0)
    return [room // 2] if count == 1 else [int(i * room / (count - 1) + 0.5) for i in range(count)]


def crop_boxes(height: int, width: int, crop: int = CROP, most: int = MOST_CROPS) -> list[tuple[int, int, int, int]]:
    """(top, left, height, width) of each crop, row by row; boxes may reach past the right and bottom edge."""
    tall, wide = crop_length(height, crop), crop_length(width, crop)
    rows, columns = math.ceil(height / tall), math.ceil(width / wide)
    while rows * columns > most:  # thin out the axis that is covered more densely
        if rows > 1 and (columns == 1 or rows * tall * width >= columns * wide * height):
            rows -= 1
        else:
            columns -= 1
    return [(top, left, tall, wide) for top in starts(height, tall, rows) for left in starts(width, wide, columns)]


def take_crops(picture: np.ndarray, crop: int = CROP, most: int = MOST_CROPS) -> np.ndarray:
    """uint8 RGB [H, W, 3] -> float32 [K, 3, h, w] in 0..1."""
    boxes = crop_boxes(*picture.shape[:2], crop, most)
    _, _, tall, wide = boxes[0]
    missing = max(tall - picture.shape[0], 0), max(wide - picture.shape[1], 0)
    if any(missing):
        picture = np.pad(picture, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
    crops = np.stack([picture[top : top + tall, left : left + wide] for top, left, _, _ in boxes])
    return np.ascontiguousarray(crops.transpose(0, 3, 1, 2), dtype=np.float32) / 255


class Assessor:
    """Scores pictures with an .onnx file (onnxruntime) or a checkpoint of train_iqa.py (PyTorch)."""

    def __init__(self, model: Path, threads: int = 2, crop: int = CROP, most: int = MOST_CROPS):
        self.crop, self.most = crop, most
        if str(model).endswith(".onnx"):
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
            self.run = lambda crops: session.run(["score", "weight"], {"image": crops})
        else:
            import torch

            import iqa_network

            torch.set_num_threads(threads)
            network = iqa_network.load_checkpoint(model).to(memory_format=torch.channels_last)

            def run(crops):
                with torch.no_grad():
                    image = torch.from_numpy(crops).contiguous(memory_format=torch.channels_last)
                    return [output.numpy() for output in network(image)]

            self.run = run

    def crops(self, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """uint8 RGB [H, W, 3] -> score [K] and weight [K] of its crops."""
        return self.run(take_crops(picture, self.crop, self.most))

    def __call__(self, picture: np.ndarray) -> float:
        """uint8 RGB [H, W, 3] -> score 0..1."""
        score, weight = self.crops(picture)
        return float((score * weight).sum() / weight.sum())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("pictures", type=Path, nargs="+")
    arguments = parser.parse_args()
    assess = Assessor(arguments.model)
    for path in arguments.pictures:
        score, weight = assess.crops(decode_rgb(path.read_bytes()))
        print(f"{path.name}: {(score * weight).sum() / weight.sum():.3f} from {len(score)} crops "
              f"{score.min():.3f} .. {score.max():.3f}, weights {weight.min():.2f} .. {weight.max():.2f}")  # fmt: skip
