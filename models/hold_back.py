"""The command line's "hold back" (functions/lib/quality/hold-back.ts), for choosing its limit: where a restorer changes a place
more than the picture's score says it can be damaged, the change is scaled down.

    python models/hold_back.py ORIGINAL RESTORED LIMIT OUT.png

Both compute the same; test/models/hold-back.test.ts compares them.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

CELL = 32  # px


def cell_energies(change: np.ndarray) -> np.ndarray:
    """change float [H, W, C] in levels of 255 -> mean square [rows, columns] of each 32 px cell, border cells cut off."""
    square, (height, width) = np.mean(change**2, 2), change.shape[:2]
    starts = [np.arange(0, side, CELL) for side in (height, width)]
    sums = np.add.reduceat(np.add.reduceat(square, starts[0], 0), starts[1], 1)
    tall, wide = (np.diff(np.append(start, side)) for start, side in zip(starts, (height, width)))
    return sums / np.outer(tall, wide)


def towards_centres(side: int, cells: int, step: int) -> np.ndarray:
    """[side / step, cells]: each cell's weight at the middle of every `step` px: linear between two centres, constant beyond the last."""
    places = np.clip((np.arange(side // step) + 0.5) * step / CELL - 0.5, 0, cells - 1)
    return np.maximum(0, 1 - np.abs(places[:, None] - np.arange(cells)))


def scale_map(energies: np.ndarray, limit: float, height: int, width: int, step: int = 1) -> np.ndarray:
    """[rows, columns] -> [height / step, width / step]: what is left of the change."""
    scales = np.minimum(1, limit / np.sqrt(np.maximum(energies, 1e-12)))
    return towards_centres(height, scales.shape[0], step) @ scales @ towards_centres(width, scales.shape[1], step).T


def hold_back(original: np.ndarray, restored: np.ndarray, limit: float) -> np.ndarray:
    """uint8 [H, W, C] twice and a limit in levels of 255 -> uint8 [H, W, C]."""
    change = restored.astype(np.float32) - original
    scale = scale_map(cell_energies(change), limit, *original.shape[:2])
    return np.floor(original + scale[:, :, None] * change + 0.5).astype(np.uint8)


if __name__ == "__main__":
    import sys

    from photos import decode_rgb

    if len(sys.argv) != 5:
        sys.exit("python models/hold_back.py ORIGINAL RESTORED LIMIT OUT.png")
    original, restored = (decode_rgb(Path(name).read_bytes()) for name in sys.argv[1:3])
    if not cv2.imwrite(sys.argv[4], hold_back(original, restored, float(sys.argv[3]))[:, :, ::-1]):
        raise OSError(f"Expected to write {sys.argv[4]} but OpenCV could not")
