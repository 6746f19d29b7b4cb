"""Writes damaged copies of a folder of pictures at the three evaluation levels, as PNG, always the same for one seed.

    python models/damage.py CLEAN_FOLDER OUT_FOLDER                   # OUT/mild/NAME.png, OUT/medium/..., OUT/hard/...
    python models/damage.py CLEAN OUT --levels hard --seed 1
    python models/damage.py PHOTOS_TRAIN OUT --split calibration --clean-copies CLEAN
                                                                      # the 150 photographs kept out of training

The levels are defined in degradations.py. A picture's draw depends on seed, level and its place among the sorted names.
"""

import argparse
from pathlib import Path

import cv2

from degradations import LEVELS, damage_at_level
from photos import decode_rgb, load_photos
from picture_measures import PICTURES


def pictures(folder: Path, split: str | None):
    """(name without extension, RGB) in the sorted order that the seeds count on."""
    if split is None:
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
        return [(path.stem, decode_rgb(path.read_bytes())) for path in files]
    photos = sorted(load_photos(folder, split), key=lambda photo: photo.file)
    return [(Path(photo.file).with_suffix("").as_posix().replace("/", "-"), decode_rgb(photo.encoded)) for photo in photos]


def write_png(path: Path, rgb) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), rgb[:, :, ::-1]):
        raise OSError(f"Expected to write {path} but OpenCV could not")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clean", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--levels", nargs="+", default=list(LEVELS), choices=list(LEVELS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--split", choices=["calibration", "train"], help="the folder is a photo folder with an index.csv")
    parser.add_argument("--clean-copies", type=Path, help="also write the clean pictures, as CLEAN_COPIES/NAME.png")
    arguments = parser.parse_args()

    found = pictures(arguments.clean, arguments.split)
    for index, (name, rgb) in enumerate(found):
        if arguments.clean_copies:
            write_png(arguments.clean_copies / f"{name}.png", rgb)
        for level in arguments.levels:
            write_png(arguments.out / level / f"{name}.png", damage_at_level(rgb, level, index, arguments.seed))
    print(f"{len(found)} pictures x {len(arguments.levels)} levels -> {arguments.out}")
