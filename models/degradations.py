"""Damage for photographs: at random for training, and three fixed levels for evaluation. OpenCV and NumPy only.

A picture is uint8 RGB [H, W, 3] before and after, of the same size and not shifted. What one round does, in this order
(training swaps steps at times):
  blur     Gaussian, isotropic or twice as long one way at a random angle; in training also motion and defocus
  shrink   by a factor (area or bilinear) and later back to size (bicubic or bilinear; in training also by the nearest pixel)
  noise    standard deviation in units of 1/255: per channel, the same for all channels (gray), or growing with brightness; in
           training also grain (gray, soft) and blotches (colour alone, coarse, as a phone's smoothing leaves it)
  sharpen  in training: an unsharp mask, whose halos are to go
  jpeg     OpenCV's encoder, 4:2:0 (70 %) or 4:4:4 chroma
The way back to size comes before the noise or after the JPEG, with even odds.

Evaluation levels: one round, every number drawn uniformly from its range by a generator seeded with (seed, level, index of
the picture in the sorted folder):
            blur sigma px   shrink      noise /255   JPEG quality
  mild      0 .. 0.7        1           0 .. 5       70 .. 90
  medium    0.3 .. 1.4      1 .. 2.3    2 .. 12.5    45 .. 80
  hard      0.6 .. 2.8      1.2 .. 3.6  5 .. 25      20 .. 60

Training: 9 % untouched; else a strength s from 0.03 to 1.15, low ones more often, and ranges that reach from nothing to s times
hard's far end. Second round, half as strong, in 40 %. So the mild end, down to nothing, is seen more often than the hard one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

Picture = np.ndarray  # uint8 [H, W, 3] RGB

LEVELS = {
    "mild": dict(blur=(0.0, 0.7), shrink=(1.0, 1.0), noise=(0.0, 5.0), quality=(70, 90)),
    "medium": dict(blur=(0.3, 1.4), shrink=(1.0, 2.3), noise=(2.0, 12.5), quality=(45, 80)),
    "hard": dict(blur=(0.6, 2.8), shrink=(1.2, 3.6), noise=(5.0, 25.0), quality=(20, 60)),
}
UNTOUCHED, SECOND_ROUND, GRAY = 0.09, 0.4, 0.05  # shares of the training crops


@dataclass(frozen=True)
class Round:
    """One round of damage; zero, one or None switch a step off."""

    blur: float = 0.0  # Gaussian sigma, px
    shrink: float = 1.0
    noise: float = 0.0  # standard deviation, 1/255
    quality: int | None = None
    blur_kind: str = "gaussian"  # gaussian, stretched, motion, defocus
    noise_kind: str = "colour"  # colour, gray, brightness, grain, blotches
    sharpen: float = 0.0  # how much of what a blur takes away is added
    chroma: str = "420"
    enlarge_last: bool = False
    enlarge_nearest: bool = False
    noise_first: bool = False  # noise before the blur, as in a picture that was softened afterwards


def blur_kernel(sigma: float, kind: str, rng: np.random.Generator) -> np.ndarray:
    """[k, k] float32 that sums to 1; sigma in px, or the same spread for motion (a line) and defocus (a disc)."""
    radius = max(1, int(np.ceil(3.5 * sigma)))
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(np.float32)
    angle = rng.uniform(0, np.pi)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    if kind == "motion":
        kernel = np.exp(-0.5 * (across / 0.5) ** 2) * np.clip(1.75 * sigma + 0.5 - np.abs(along), 0, 1)
    elif kind == "defocus":
        kernel = np.clip(2 * sigma + 0.5 - np.hypot(x, y), 0, 1)
    else:
        stretch = 2.0**0.5 if kind == "stretched" else 1.0
        kernel = np.exp(-0.5 * ((along / (sigma * stretch)) ** 2 + (across * stretch / sigma) ** 2))
    return (kernel / kernel.sum()).astype(np.float32)


def add_noise(picture: np.ndarray, sigma: float, kind: str, rng: np.random.Generator) -> np.ndarray:
    """float32 [H, W, 3] 0..255 -> the same with noise; `brightness` has the given sigma at mid gray, like photon noise."""
    height, width, channels = picture.shape
    noise = rng.standard_normal((height, width, 1 if kind in ("gray", "grain") else channels), dtype=np.float32) * sigma
    if kind == "brightness":
        noise *= np.sqrt(np.clip(picture, 1, 255) / 127.5)
    elif kind == "grain":
        noise = soft(noise, 0.7)
    elif kind == "blotches":
        noise = soft(noise - noise.mean(2, keepdims=True), 2.0)
    return picture + noise


def soft(noise: np.ndarray, sigma: float) -> np.ndarray:
    """White noise [H, W, C] correlated over sigma px, as strong as before: a Gaussian leaves 1 / (2 sqrt(pi) sigma) of it."""
    return cv2.GaussianBlur(noise, (0, 0), sigma).reshape(noise.shape) * (2 * np.pi**0.5 * sigma)


def sharpen(picture: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    return np.clip(picture + amount * (picture - cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.7, 1.8))), 0, 255)


def as_bytes(picture: np.ndarray) -> Picture:
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8)


def jpeg(picture: np.ndarray, quality: int, chroma: str) -> np.ndarray:
    """float32 RGB -> float32 RGB through a JPEG file in memory."""
    sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420 if chroma == "420" else cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
    options = [cv2.IMWRITE_JPEG_QUALITY, int(quality), cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    _, encoded = cv2.imencode(".jpg", as_bytes(picture)[:, :, ::-1], options)
    return cv2.imdecode(encoded, cv2.IMREAD_COLOR)[:, :, ::-1].astype(np.float32)


def apply_round(picture: np.ndarray, step: Round, rng: np.random.Generator) -> np.ndarray:
    """float32 RGB 0..255 -> float32 RGB of the same size."""
    height, width = picture.shape[:2]
    x = picture
    if step.noise_first and step.noise > 0:
        x = add_noise(x, step.noise, step.noise_kind, rng)
    if step.blur > 0.15:  # below, the kernel is a single pixel
        x = cv2.filter2D(x, -1, blur_kernel(step.blur, step.blur_kind, rng), borderType=cv2.BORDER_REFLECT_101)
    up = cv2.INTER_CUBIC if rng.random() < 0.7 else cv2.INTER_LINEAR
    if step.enlarge_nearest:
        up = cv2.INTER_NEAREST
    if step.shrink > 1.0:
        down = cv2.INTER_AREA if rng.random() < 0.6 else cv2.INTER_LINEAR
        small = (max(8, round(width / step.shrink)), max(8, round(height / step.shrink)))
        x = cv2.resize(x, small, interpolation=down)
        if not step.enlarge_last:
            x = cv2.resize(x, (width, height), interpolation=up)
    if step.noise > 0 and not step.noise_first:
        x = add_noise(x, step.noise, step.noise_kind, rng)
    if step.sharpen > 0:
        x = sharpen(x, step.sharpen, rng)
    if step.quality is not None:
        x = jpeg(x, step.quality, step.chroma)
    if x.shape[:2] != (height, width):
        x = cv2.resize(x, (width, height), interpolation=up)
    return x


def draw_level(level: str, rng: np.random.Generator) -> Round:
    """One picture's own draw from an evaluation level."""
    ranges = LEVELS[level]
    return Round(
        blur=rng.uniform(*ranges["blur"]),
        shrink=rng.uniform(*ranges["shrink"]),
        noise=rng.uniform(*ranges["noise"]),
        quality=int(rng.integers(ranges["quality"][0], ranges["quality"][1] + 1)),
        blur_kind=rng.choice(["gaussian", "stretched"], p=[0.7, 0.3]),
        noise_kind=rng.choice(["colour", "gray", "brightness"], p=[0.6, 0.2, 0.2]),
        chroma=rng.choice(["420", "444"], p=[0.7, 0.3]),
        enlarge_last=bool(rng.random() < 0.5),
    )


def damage_at_level(picture: Picture, level: str, index: int, seed: int = 0) -> Picture:
    """The index-th picture of a folder, damaged at a level; always the same for the same (seed, level, index)."""
    rng = np.random.default_rng([seed, list(LEVELS).index(level), index])
    return as_bytes(apply_round(picture.astype(np.float32), draw_level(level, rng), rng))


def draw_round(strength: float, rng: np.random.Generator) -> Round:
    """Training: each step by itself may be absent, and reaches up to `strength` times the far end of `hard`."""
    lowest = max(12.0, 96 - 76 * strength)
    return Round(
        blur=rng.uniform(0, 2.8 * strength) if rng.random() < 0.75 else 0.0,
        shrink=1 + rng.uniform(0, 2.6 * strength) if rng.random() < 0.6 else 1.0,
        noise=rng.uniform(0, 25 * strength) if rng.random() < 0.8 else 0.0,
        quality=int(rng.uniform(lowest, 96)) if rng.random() < 0.8 else None,
        blur_kind=rng.choice(["gaussian", "stretched", "motion", "defocus"], p=[0.55, 0.3, 0.07, 0.08]),
        noise_kind=rng.choice(["colour", "gray", "brightness", "grain", "blotches"], p=[0.5, 0.18, 0.18, 0.08, 0.06]),
        sharpen=rng.uniform(0.1, 1.6 * strength + 0.2) if rng.random() < 0.08 else 0.0,
        chroma=rng.choice(["420", "444"], p=[0.7, 0.3]),
        enlarge_last=bool(rng.random() < 0.5),
        enlarge_nearest=bool(rng.random() < 0.07),
        noise_first=bool(rng.random() < 0.1),
    )


def damage_at_random(picture: Picture, rng: np.random.Generator) -> Picture:
    """Training damage of one crop; 9 % come back as they were."""
    if rng.random() < UNTOUCHED:
        return picture
    strength = 0.03 + 1.12 * rng.random() ** 1.5
    x = apply_round(picture.astype(np.float32), draw_round(strength, rng), rng)
    if rng.random() < SECOND_ROUND:
        x = apply_round(np.clip(x, 0, 255), draw_round(strength * 0.5, rng), rng)
    return as_bytes(x)


def damage_lightly(picture: Picture, rng: np.random.Generator) -> Picture:
    """A target of lower quality, so that a requested score has something to choose between: softer or blocky, but not noisy.

    Of noise nothing can be learned but to leave some of what came, and that raises a learned score above that of a soft picture."""
    step = replace(draw_round(rng.uniform(0.15, 0.6), rng), noise=0.0)
    return as_bytes(apply_round(picture.astype(np.float32), step, rng))


def to_gray(picture: Picture) -> Picture:
    return np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[:, :, None], 3, axis=2)
