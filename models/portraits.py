"""Portraits aligned to the FFHQ template at 512 px, split by person, and damage at the sizes at which faces are found.

    python models/portraits.py --photos DATA/photos-train --detector yunet_n_dynamic.onnx --out PORTRAITS     # a minute

PHOTOS/index.csv names portraits by kind `face` and column `person`. PORTRAITS/{train,held-out}/PERSON-NAME.png; the 28 people
whose name has the smallest SHA-256 are held out. The points are those of functions/lib/faces/template.ts.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
from pathlib import Path

import cv2
import numpy as np

from damage import write_png
from degradations import Picture, damage_at_level, damage_at_random
from photos import decode_rgb

SIDE, HELD_OUT_PEOPLE = 512, 28
# eyes, nose, corners of the mouth, from the reader's left to the right; px from the middle of the first pixel
TEMPLATE = np.float32([[192.98, 239.95], [318.90, 240.19], [256.63, 314.02], [201.26, 371.41], [313.09, 371.15]])


def align(picture: Picture, points: np.ndarray) -> Picture | None:
    """uint8 RGB and five points [5,2] -> [512,512,3], mirrored beyond the picture's border."""
    matrix, _ = cv2.estimateAffinePartial2D(points, TEMPLATE, method=cv2.LMEDS)
    if matrix is None:
        return None
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    smooth = cv2.GaussianBlur(picture, (0, 0), 0.5 * (scale**-2 - 1) ** 0.5) if scale < 0.9 else picture
    return cv2.warpAffine(smooth, matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)


def shrunk(face: Picture, factor: float) -> Picture:
    side = round(SIDE / factor)
    return face if side == SIDE else cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)


def enlarged(face: Picture) -> Picture:
    return face if len(face) == SIDE else cv2.resize(face, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)


def draw_damage(face: Picture, rng: np.random.Generator) -> Picture:
    """Training: shrunk 1 to 6 times, as a face in a photograph is, damaged there, and enlarged for the network."""
    return enlarged(damage_at_random(shrunk(face, float(np.exp(rng.uniform(0, np.log(6))))), rng))


def damaged_at(face: Picture, level: str, shrink: int, index: int) -> Picture:
    """Evaluation: the face shrunk, and damaged at one of the levels; not enlarged."""
    return damage_at_level(shrunk(face, shrink), level, index)


def load_portraits(folder: Path) -> list[Picture]:
    return [decode_rgb(path.read_bytes()) for path in sorted(folder.glob("*.png"))]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--detector", type=Path, required=True, help="YuNet, ONNX")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()

    with (arguments.photos / "index.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "face" and row["person"]]
    people = sorted({row["person"] for row in rows}, key=lambda person: hashlib.sha256(person.encode()).hexdigest())
    held_out = set(people[:HELD_OUT_PEOPLE])
    detector = cv2.FaceDetectorYN.create(str(arguments.detector), "", (SIDE, SIDE), 0.5)
    counts = {"train": 0, "held-out": 0, "left out": 0}
    for row in rows:
        rgb = decode_rgb((arguments.photos / row["file"]).read_bytes())
        detector.setInputSize(rgb.shape[1::-1])
        found = detector.detect(np.ascontiguousarray(rgb[:, :, ::-1]))[1]
        aligned = None if found is None else align(rgb, found[0, 4:14].reshape(5, 2))
        split = "left out" if aligned is None else "held-out" if row["person"] in held_out else "train"
        counts[split] += 1
        if aligned is not None:
            write_png(arguments.out / split / f"{row['person']}-{Path(row['file']).stem}.png", aligned)
    print(counts)
