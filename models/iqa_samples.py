"""Training examples for the quality network: two versions of one crop (or the crop itself and two), each with its label.

    python iqa_samples.py --photos DATA/photos-train --labels DATA/kadid-dmos-by-level.csv     # label statistics, speed

Every example is a pair, so that the loss can also ask for the right distance between them:
  kadid        two levels of one of KADID's damages (or the clean crop), labelled by the mean human score
  restoration  two strengths of blur, resize, noise and JPEG together; label = product of the single labels
  clean        the crop beside a version that lost nothing: gray, toned, reduced, hardly compressed
  bokeh        a sharp subject before a blurred background (label 1) beside the same crop blurred all over
With the clean crop before each pair, every damage is also seen beside the picture that it came from, and at no cost: it is there already.
"""
import argparse
import math
import mmap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

import kadid
from photos import Photo, decode_rgb, load_photos, random_crop

KINDS = {"kadid": 0.66, "restoration": 0.15, "clean": 0.10, "bokeh": 0.09}
GRAY_SHARE = 0.08
RESTYLED = 0.3  # of the crops
# Exposure is damage here and style in restyle(), so a restyled crop says nothing about these: they start from the photograph as it is.
EXPOSURES = {16, 17}  # brighten, darken
# How much more often than others a damage is drawn: exposure, whose first levels hardly differ from clean (a level of darken is half
# as far as one of brighten; drawn alike, the two together would teach "the darker the better"); a palette costs 50 to 180 ms.
ODDS = {16: 2.0, 17: 3.5, 6: 0.4}
REDUCED = 0.5  # of the crops
# Share of examples by the photograph's kind: few portraits, which look alike; many CID22 crops, the least polished ones.
PHOTO_SHARES = {"photo": 0.55, "crop": 0.35, "face": 0.10}
# Labels between the levels, from the same table: x, label. 0 (or quality 100) is the clean picture.
BLUR_LABEL = [0, 0.5, 1, 2, 5, 9], [1, 0.85, 0.48, 0.22, 0.08, 0.03]  # Gaussian sigma, px
NOISE_LABEL = [0, 8, 11.4, 14, 18, 25.5, 60], [1, 0.72, 0.60, 0.51, 0.43, 0.32, 0.12]  # standard deviation, 0..255
JPEG_LABEL = [4, 7, 24, 36, 43, 100], [0.09, 0.24, 0.72, 0.81, 0.835, 1]  # quality


def restyle(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another look of the same photograph: exposure, contrast, colour, faded blacks as photographers choose them.

    A dark or pale picture is not a damaged one; without this the network learns to think so."""
    middle, contrast = 0.5 + rng.uniform(-0.09, 0.09), rng.uniform(-0.12, 0.15)
    points = [0.0, middle - (0.25 + contrast / 4), middle, middle + (0.25 + contrast / 4), 1.0]
    if rng.random() < 0.3:
        points[0] = rng.uniform(0, 0.06)
    if rng.random() < 0.15:
        points[4] = rng.uniform(0.92, 1)
    x = np.interp(np.arange(256) / 255, [0, 0.25, 0.5, 0.75, 1], np.clip(np.sort(points), 0, 1))
    smooth = cv2.GaussianBlur(np.pad(x, 64, mode="edge")[None], (0, 0), 12)[0, 64:-64]
    result = dithered(cv2.LUT(picture, np.float32(smooth * 255)), rng)
    if rng.random() < 0.7:
        result = kadid.saturation_lab(result, float(np.exp(rng.uniform(-0.2, 0.3))), rng)
    if rng.random() < 0.4:
        result = dithered(result * np.float32(1 + rng.uniform(-0.05, 0.05, 3)), rng)
    return result


def dithered(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """float 0..255 -> bytes whose histogram has no gaps: a photographer's look is made from more than 8 bits."""
    return kadid.to_bytes(x + rng.uniform(-0.5, 0.5, x.shape))


def clean_crop(picture: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """A random crop, uint8 [size, size, 3], half of them reduced to 55 .. 90 %.

    The training photographs are JPEGs of quality 94. Reduced, they lose those traces; without this the network takes
    the traces for a sign of a clean picture, and a lossless picture gains by being coded."""
    if rng.random() >= REDUCED:
        return random_crop(picture, size, rng)
    wide = min(round(size / rng.uniform(0.55, 0.9)), *picture.shape[:2])
    return cv2.resize(random_crop(picture, wide, rng), (size, size), interpolation=cv2.INTER_AREA)


def to_gray(picture: np.ndarray) -> np.ndarray:
    return np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)


def draw_recipe(rng: np.random.Generator) -> dict:
    """What a photograph from the wild went through, at full strength; the order is blur, resize, noise, JPEG."""
    blur, noise, coded = rng.random() < 0.7, rng.random() < 0.7, rng.random() < 0.7
    if not (blur or noise or coded):
        blur = True
    return {
        "sigma": rng.uniform(0.6, 3.5) if blur else 0.0,  # px
        "factor": rng.uniform(1.2, 4) if blur and rng.random() < 0.5 else 1.0,
        "shape": rng.choice(["gaussian", "disk", "motion"], p=[0.6, 0.2, 0.2]),
        "angle": rng.uniform(0, math.pi),
        "noise": rng.uniform(4, 40) if noise else 0.0,  # standard deviation, 0..255
        "gray_noise": rng.random() < 0.3,
        "jpeg": rng.uniform(8, 60) if coded else 100.0,
        "seed": int(rng.integers(1 << 31)),
    }


def restoration_damage(picture: np.ndarray, recipe: dict, strength: float) -> tuple[np.ndarray, float]:
    """Applies the recipe at strength 0..1 -> (uint8 RGB of the same size, label 0..1). Strength 0 is the clean picture."""
    if strength <= 0:
        return picture, 1.0
    rng = np.random.default_rng(recipe["seed"])
    height, width = picture.shape[:2]
    sigma, factor = recipe["sigma"] * strength, 1 + (recipe["factor"] - 1) * strength
    result, label = picture, 1.0
    if sigma > 0.1:
        if recipe["shape"] == "motion":
            result = cv2.filter2D(result, -1, kadid.motion_kernel(max(1, 3.5 * sigma), recipe["angle"]))
        elif recipe["shape"] == "disk":
            result = cv2.filter2D(result, -1, kadid.disk_kernel(max(0.6, 2 * sigma)))
        else:
            result = kadid.gaussian(result, sigma)
    if factor > 1.05:
        small = cv2.resize(result, (round(width / factor), round(height / factor)), interpolation=cv2.INTER_AREA)
        result = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    # a reduction by f followed by enlarging softens about as much as a Gaussian of .5 sqrt(f^2 - 1) px
    label *= np.interp(math.hypot(sigma, 0.5 * math.sqrt(max(factor**2 - 1, 0))), *BLUR_LABEL)
    noise = recipe["noise"] * strength
    if noise > 0:
        grain = rng.standard_normal((height, width, 1 if recipe["gray_noise"] else 3), dtype=np.float32)
        result = kadid.to_bytes(result + grain * noise)
        label *= np.interp(noise, *NOISE_LABEL)
    if recipe["jpeg"] < 100:
        quality = 100 - (100 - recipe["jpeg"]) * strength**0.5
        result = kadid.jpeg(result, quality)
        label *= np.interp(quality, *JPEG_LABEL)
    return result, max(float(label), 0.02)


def bokeh(picture: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Keeps a sharp ellipse over 15 to 50 % of the picture and blurs the rest like a wide aperture."""
    height, width = picture.shape[:2]
    share = rng.uniform(0.15, 0.5)
    aspect = rng.uniform(0.6, 1.6)
    axis_y = math.sqrt(share * height * width / math.pi * aspect)
    axis_x = share * height * width / math.pi / axis_y
    centre = rng.uniform(0.3, 0.7, 2) * (height, width)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    inside = ((y - centre[0]) / axis_y) ** 2 + ((x - centre[1]) / axis_x) ** 2 <= 1
    mask = kadid.gaussian(inside.astype(np.float32), 2)[..., None]
    blurred = cv2.filter2D(picture, -1, kadid.disk_kernel(2 * sigma))
    return kadid.to_bytes(picture * mask + blurred * (1 - mask))


def without_loss(crop: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """A version of a clean crop that a viewer would not call damaged, with its label (1, or just below for light JPEG)."""
    kind = rng.integers(0, 4)
    if kind == 0:
        return to_gray(crop), 1.0
    if kind == 1:  # toned print
        tone = np.array([1 + rng.uniform(0, 0.12), 1, 1 - rng.uniform(0, 0.18)], np.float32)
        return kadid.to_bytes(to_gray(crop) * tone), 1.0
    if kind == 2:  # reduced to 55 .. 90 %, so sharper than before; mirrored out to the same size
        scale, size = rng.uniform(0.55, 0.9), crop.shape[:2]
        small = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        bottom, right = size[0] - small.shape[0], size[1] - small.shape[1]
        return cv2.copyMakeBorder(small, 0, bottom, 0, right, cv2.BORDER_REFLECT_101), 1.0
    quality = rng.uniform(85, 98)
    return kadid.jpeg(crop, quality), float(np.interp(quality, *JPEG_LABEL))


class Examples:
    """Draws pairs for ever from photographs held as bytes, or with `decoded` as pixels: 0.8 MB each, which forks share.

    With `clean_too` a group is the clean crop and the pair, else the pair alone."""

    def __init__(self, photos: list[Photo], labels: dict, parameters: dict, seed: int, clean_too: bool = False, decoded: bool = False):
        self.labels, self.parameters = labels, parameters
        self.seed, self.rng = seed, np.random.default_rng(seed)
        self.group = 3 if clean_too else 2
        self.encoded = [photo.encoded for photo in photos]
        self.pictures = None
        if decoded:
            with ThreadPoolExecutor() as pool:  # gone before anyone forks
                self.pictures = list(pool.map(decode_rgb, self.encoded))
        kinds = [photo.kind for photo in photos]
        odds = np.array([PHOTO_SHARES[kind] / kinds.count(kind) for kind in kinds])
        self.odds = odds / odds.sum()
        distortions = sorted({distortion for distortion, _ in labels})
        self.levels = {
            distortion: [level for level in range(1, 6) if (distortion, level) not in kadid.LEFT_OUT | kadid.IDENTITY]
            for distortion in distortions
        }
        self.distortions = [distortion for distortion in distortions if self.levels[distortion]]
        # Mean error of late on each damage, written by the trainer; what is still learned badly is drawn more often.
        # By distortion, at most 0.35 counts; in memory that forked processes share with the trainer.
        self.error = np.frombuffer(mmap.mmap(-1, 26 * 8))
        self.error[:] = 0.2

    def draw_distortion(self) -> int:
        odds = np.array([(min(self.error[one], 0.35) + 0.02) * ODDS.get(one, 1) for one in self.distortions])
        return int(self.rng.choice(self.distortions, p=odds / odds.sum()))

    def draw_group(self, size: int) -> tuple[np.ndarray, list[float], int]:
        """-> uint8 [group, size, size, 3], their labels, KADID distortion or 0."""
        rng = self.rng
        chosen = rng.choice(len(self.encoded), p=self.odds)
        crop = clean_crop(self.pictures[chosen] if self.pictures else decode_rgb(self.encoded[chosen]), size, rng)
        kind = rng.choice(list(KINDS), p=list(KINDS.values()))
        gray, distortion = rng.random() < GRAY_SHARE, self.draw_distortion() if kind == "kadid" else 0
        if distortion not in EXPOSURES and rng.random() < RESTYLED:
            crop = restyle(crop, rng)
        if kind == "kadid":
            if gray and distortion not in kadid.CHROMATIC:
                crop = to_gray(crop)
            first = int(rng.choice(self.levels[distortion]))
            others = [level for level in self.levels[distortion] if level != first]
            second = 0 if self.group == 2 and rng.random() < 0.35 else int(rng.choice(others))
            versions = [(self.kadid_version(crop, distortion, level)) for level in (first, second)]
        elif kind == "restoration":
            crop = to_gray(crop) if gray else crop
            recipe = draw_recipe(rng)
            versions = [restoration_damage(crop, recipe, strength) for strength in (rng.random(), rng.random())]
        elif kind == "clean":
            versions = [(crop, 1.0) if self.group == 2 else without_loss(crop, rng), without_loss(crop, rng)]
        else:
            sigma = rng.uniform(0.8, 4)
            blurred = cv2.filter2D(crop, -1, kadid.disk_kernel(2 * sigma))
            versions = [(bokeh(crop, sigma, rng), 1.0), (blurred, float(np.interp(sigma, *BLUR_LABEL)))]
        if self.group == 3:
            versions.insert(0, (crop, 1.0))
        return np.stack([version for version, _ in versions]), [label for _, label in versions], distortion

    def kadid_version(self, crop, distortion, level):
        if level == 0:
            return crop, 1.0
        return kadid.distort(crop, distortion, self.parameters[distortion, level], self.rng), self.labels[distortion, level]

    def batch(self, groups: int, size: int) -> tuple[np.ndarray, np.ndarray, list[int]]:
        """-> uint8 [group * groups, size, size, 3] with a group adjacent, float32 labels alike, distortion of each group."""
        images, labels, distortions = zip(*(self.draw_group(size) for _ in range(groups)))
        return np.concatenate(images), np.float32(labels).ravel(), list(distortions)

    def learn(self, distortions: list[int], errors) -> None:
        """Takes the mean absolute error [groups] of a batch."""
        for distortion, error in zip(distortions, errors):
            if distortion:
                self.error[distortion] += 0.1 * (float(error) - self.error[distortion])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    arguments = parser.parse_args()
    table, _, parameters = kadid.read_labels(arguments.labels)
    examples = Examples(load_photos(arguments.photos, "train", limit=60), table, parameters, seed=0)
    start = time.perf_counter()
    found = np.concatenate([examples.batch(8, 224)[1] for _ in range(15)])
    print(f"{1000 * (time.perf_counter() - start) / 120:.0f} ms a pair; clean {np.mean(found >= 0.999):.0%}; "
          f"deciles {np.round(np.quantile(found, np.linspace(0, 1, 11)), 2)}")  # fmt: skip
