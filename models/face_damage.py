"""Writes portraits and damaged copies of them at several sizes, on which the identity measures are calibrated.

    python models/face_damage.py PHOTOS OUT                    # PHOTOS/index.csv names portraits by kind `face` and column `person`
    npx tsx bench/face-identity.ts OUT --skip 48 --out models/results/face-identity.json

OUT/clean/NAME.png, OUT/LEVEL-SHRINK/NAME.png for each level of degradations.py and each size (the portrait shrunk by 1, 2 and 4
before it is damaged), and OUT/people.csv (name,person). People are taken in the order of their names, up to --people; of each all pictures.
"""

import argparse
import csv
from pathlib import Path

import cv2

from damage import write_png
from degradations import LEVELS, damage_at_level
from photos import decode_rgb

SHRINKS = (1, 2, 4)

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    with (arguments.photos / "index.csv").open(newline="") as file:
        portraits = [row for row in csv.DictReader(file) if row["kind"] == "face" and row["person"]]
    chosen = sorted({row["person"] for row in portraits})[: arguments.people]
    arguments.out.mkdir(parents=True, exist_ok=True)
    with (arguments.out / "people.csv").open("w", newline="") as file:
        listed = csv.writer(file)
        listed.writerow(["name", "person"])
        for index, row in enumerate(sorted((row for row in portraits if row["person"] in chosen), key=lambda row: row["file"])):
            name = Path(row["file"]).stem
            listed.writerow([name, row["person"]])
            rgb = decode_rgb((arguments.photos / row["file"]).read_bytes())
            write_png(arguments.out / "clean" / f"{name}.png", rgb)
            for shrink in SHRINKS:
                size = (rgb.shape[1] // shrink, rgb.shape[0] // shrink)
                small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
                for level in LEVELS:
                    damaged = damage_at_level(small, level, index, arguments.seed)
                    write_png(arguments.out / f"{level}-{shrink}" / f"{name}.png", damaged)
    print(f"{len(chosen)} people, {len(LEVELS) * len(SHRINKS)} damaged copies of each picture -> {arguments.out}")
