"""Reads the clean training photographs, keeps their files in memory and splits them by photograph.

    python photos.py --photos DATA/photos-train        # prints the size of each split

A photo folder holds `index.csv` (columns file, source, licence, kind, detail, person) and the files that it names.
Splits, the same on every machine because they depend on file names alone:
  calibration  150 photographs without a portrait. No model is ever trained on them: the margin of the do-no-harm
               decision is calibrated there.
  train        everything else.
"""
import argparse
import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

CALIBRATION_PHOTOS = 150


@dataclass(frozen=True)
class Photo:
    file: str  # relative to the photo folder, with forward slashes
    source: str
    licence: str
    kind: str  # photo, crop or face
    person: str  # empty unless kind is face
    encoded: bytes  # the file as it lies on disk


def read_index(folder: Path) -> list[dict[str, str]]:
    """Rows of index.csv, in the file's order."""
    with open(Path(folder) / "index.csv", newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def calibration_files(rows: list[dict[str, str]]) -> set[str]:
    """The held-out files: the 150 non-portraits whose name has the smallest SHA-256."""
    candidates = [row["file"] for row in rows if row["kind"] != "face"]
    ranked = sorted(candidates, key=lambda file: hashlib.sha256(file.encode()).hexdigest())
    return set(ranked[:CALIBRATION_PHOTOS])


def load_photos(folder: Path, split: str, faces: bool = True, limit: int | None = None) -> list[Photo]:
    """Photographs of one split as encoded bytes (about 100 KB each).

    split: "train", "calibration" or "all" (for counting, not for training). Files named by the index but absent are
    skipped, so that one shard can travel alone; the split does not change by it.
    """
    if split not in ("train", "calibration", "all"):
        raise ValueError(f"Expected split train, calibration or all but received {split}")
    rows = read_index(folder)
    held_out = calibration_files(rows)
    photos = []
    for row in rows:
        if split != "all" and (row["file"] in held_out) != (split == "calibration"):
            continue
        if not faces and row["kind"] == "face":
            continue
        path = Path(folder) / row["file"]
        if not path.exists():
            continue
        photos.append(Photo(row["file"], row["source"], row["licence"], row["kind"], row["person"] or "", path.read_bytes()))
        if limit is not None and len(photos) == limit:
            break
    if not photos:
        raise FileNotFoundError(f"Expected photographs of split {split} under {folder} but found none")
    return photos


def decode_rgb(encoded: bytes) -> np.ndarray:
    """JPEG, PNG or WebP bytes -> uint8 RGB [H, W, 3]."""
    bgr = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise ValueError("Expected an image file that OpenCV can decode")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def load_folder(folder: Path, pattern: str = "*.webp") -> list[tuple[str, np.ndarray]]:
    """(name, uint8 RGB [H, W, 3]) of every matching picture of a folder, sorted by name: the validation photographs."""
    return [(path.name, decode_rgb(path.read_bytes())) for path in sorted(Path(folder).glob(pattern))]


def random_crop(picture: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """uint8 [H, W, 3] -> contiguous uint8 [size, size, 3] at a random place, mirrored half of the time."""
    height, width = picture.shape[:2]
    top, left = int(rng.integers(0, height - size + 1)), int(rng.integers(0, width - size + 1))
    crop = picture[top : top + size, left : left + size]
    return np.ascontiguousarray(crop[:, ::-1] if rng.random() < 0.5 else crop)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    arguments = parser.parse_args()
    for split in ("train", "calibration"):
        photos = load_photos(arguments.photos, split)
        kinds = {kind: sum(photo.kind == kind for photo in photos) for kind in ("photo", "crop", "face")}
        megabytes = sum(len(photo.encoded) for photo in photos) / 1e6
        print(f"{split}: {len(photos)} photographs {kinds}, {megabytes:.0f} MB")
