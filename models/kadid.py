"""The 25 damages of KADID-10k at 5 levels, remade on any photograph, with the mean human score of each as label.

    python kadid.py --labels DATA/kadid-dmos-by-level.csv          # prints the labels and milliseconds per damage

Level parameters follow the KADID-10k database (Lin, Hosu, Saupe, QoMEX 2019). Written anew from the published
descriptions; where those leave something open it is drawn at random: motion angle, shift direction, sharpening radius,
dithering of the palette. KADID-10k's denoiser is a network; here it is non-local means. Counts of patches and
blocks belong to 512 x 384 px and are scaled to the area. Pictures are uint8 RGB [H, W, 3] in and out.
"""
import argparse
import csv
import io
import math
import time
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

KADID_AREA = 512 * 384  # px
# Signed damages (one level is the untouched picture), and the levels that are nothing but a gray picture.
LEFT_OUT = {(18, level) for level in range(1, 6)} | {(25, level) for level in range(1, 6)} | {(7, 4), (7, 5)}
# Their parameter leaves the picture as it is (sigma .1, length 1, factor 1): no use as training examples of damage.
IDENTITY = {(1, 1), (3, 1), (8, 1)}
NOT_MONOTONE = {5, 18, 25}  # the human scores themselves do not fall with the level
CHROMATIC = {4, 5, 6, 7, 8, 12, 23}  # damages that mean nothing, or something else, on a gray picture


def read_labels(path: Path) -> tuple[dict[tuple[int, int], float], dict[int, str], dict[tuple[int, int], float]]:
    """kadid-dmos-by-level.csv -> label 0..1 by (distortion, level), name by distortion, parameter by (distortion, level)."""
    labels, names, parameters = {}, {}, {}
    with open(path, newline="", encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            key = int(row["distortion"]), int(row["level"])
            labels[key] = (float(row["mean_dmos_1to5"]) - 1) / 4
            names[key[0]] = row["name"]
            parameters[key] = float(row["parameter"])
    return labels, names, parameters


def to_bytes(x: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(x), 0, 255).astype(np.uint8)


def disk_kernel(radius: float) -> np.ndarray:
    """Averaging disk with antialiased rim, sums to 1."""
    reach, fine = math.ceil(radius), 9
    axis = (np.arange((2 * reach + 1) * fine) + 0.5) / fine - reach - 0.5
    inside = (axis[:, None] ** 2 + axis[None] ** 2 <= radius**2).astype(np.float32)
    kernel = inside.reshape(2 * reach + 1, fine, 2 * reach + 1, fine).mean((1, 3))
    return kernel / kernel.sum()


def motion_kernel(length: float, angle: float) -> np.ndarray:
    """Straight stroke of `length` px at `angle` radians, sums to 1."""
    reach = math.ceil(length / 2)
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    for t in np.linspace(-(length - 1) / 2, (length - 1) / 2, max(2, int(length * 8))):
        x, y = reach + t * math.cos(angle), reach + t * math.sin(angle)
        left, top = int(math.floor(x)), int(math.floor(y))
        for dy, dx in ((0, 0), (0, 1), (1, 0), (1, 1)):
            if top + dy <= 2 * reach and left + dx <= 2 * reach:
                kernel[top + dy, left + dx] += (1 - abs(x - left - dx)) * (1 - abs(y - top - dy))
    return kernel / kernel.sum()


def gaussian(x: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(x, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)


def through_lab(picture: np.ndarray, change) -> np.ndarray:
    """Applies `change` to float Lab [H, W, 3] (L 0..100) and comes back."""
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    return to_bytes(cv2.cvtColor(change(lab).astype(np.float32), cv2.COLOR_Lab2RGB) * 255)


def curve(picture: np.ndarray, inputs: list[float], outputs: list[float]) -> np.ndarray:
    """Tone curve: the polynomial through the given points of 0..1, clipped."""
    polynomial = np.polynomial.Polynomial.fit(inputs, outputs, len(inputs) - 1)
    return cv2.LUT(picture, to_bytes(polynomial(np.arange(256) / 255) * 255))


def color_diffusion(picture, amount, rng):
    def change(lab):  # chroma is blurred and exaggerated, as in the database
        lab[..., 1:] = gaussian(lab[..., 1:], 1.5 * amount + 2) * amount
        return lab

    return through_lab(picture, change)


def color_shift(picture, amount, rng):
    """Green shifted by `amount` px, blended in where edges are."""
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    edges = gaussian(np.hypot(cv2.Sobel(gray, cv2.CV_32F, 1, 0), cv2.Sobel(gray, cv2.CV_32F, 0, 1)), 4)
    low, high = np.percentile(edges, (1, 99))
    edges = np.clip((edges - low) / max(high - low, 1e-3), 0, 1)
    angle = rng.uniform(0, math.pi / 2)
    move = np.float32([[1, 0, round(amount * math.cos(angle))], [0, 1, round(amount * math.sin(angle))]])
    green = picture[..., 1]
    shifted = cv2.warpAffine(green, move, green.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    result = picture.copy()
    result[..., 1] = to_bytes(shifted * edges + green * (1 - edges))
    return result


def color_quantization(picture, colours, rng):
    palette = Image.fromarray(picture).quantize(int(colours), Image.Quantize.MEDIANCUT)
    dither = Image.Dither.FLOYDSTEINBERG if rng.random() < 0.5 else Image.Dither.NONE
    return np.asarray(Image.fromarray(picture).quantize(palette=palette, dither=dither).convert("RGB"))


def saturation_hsv(picture, factor, rng):
    hsv = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
    hue, saturation, value = cv2.split(hsv)
    if factor < 0:  # a negative saturation is the opposite hue
        hue = (hue + 180) % 360
    return to_bytes(cv2.cvtColor(cv2.merge([hue, np.clip(saturation * abs(factor), 0, 1), value]), cv2.COLOR_HSV2RGB) * 255)


def saturation_lab(picture, factor, rng):
    return through_lab(picture, lambda lab: lab * np.float32([1, factor, factor]))


def jpeg2000(picture, ratio, rng):
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG2000", quality_mode="rates", quality_layers=[ratio], irreversible=True)
    return np.asarray(Image.open(buffer).convert("RGB"))


def jpeg(picture, quality, rng=None):
    code = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(quality)])[1]
    return np.ascontiguousarray(cv2.imdecode(code, cv2.IMREAD_COLOR)[..., ::-1])


def noise_like(picture, rng):
    return rng.standard_normal(picture.shape, dtype=np.float32)


def white_noise(picture, variance, rng):
    return to_bytes(picture + noise_like(picture, rng) * 255 * math.sqrt(variance))


def white_noise_ycbcr(picture, variance, rng):
    ycc = cv2.cvtColor(picture.astype(np.float32), cv2.COLOR_RGB2YCrCb)
    return to_bytes(cv2.cvtColor(ycc + noise_like(picture, rng) * 255 * math.sqrt(variance), cv2.COLOR_YCrCb2RGB))


def impulse_noise(picture, density, rng):
    chance = rng.random(picture.shape, dtype=np.float32)
    return np.where(chance < density / 2, 0, np.where(chance < density, 255, picture)).astype(np.uint8)


def multiplicative_noise(picture, variance, rng):
    return to_bytes(picture * (1 + noise_like(picture, rng) * math.sqrt(variance)))


def denoise(picture, variance, rng):
    """Noise of that variance, removed again: luma by non-local means, chroma by a blur."""
    ycc = cv2.cvtColor(white_noise(picture, variance, rng), cv2.COLOR_RGB2YCrCb)
    sigma = 255 * math.sqrt(variance)
    luma = cv2.fastNlMeansDenoising(np.ascontiguousarray(ycc[..., 0]), None, min(0.9 * sigma, 70), 5, 11)
    luma = gaussian(luma, 0.6 + sigma / 60)
    chroma = gaussian(np.ascontiguousarray(ycc[..., 1:]), 1.5 + sigma / 20)
    return cv2.cvtColor(np.dstack([luma, chroma]), cv2.COLOR_YCrCb2RGB)


def jitter(picture, amount, rng):
    height, width = picture.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    for _ in range(5):  # five small random warps, as the database does
        dx, dy = rng.standard_normal((2, height, width), dtype=np.float32) * amount
        picture = cv2.remap(picture, x + dx, y + dy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return picture


def scaled_count(picture, count) -> int:
    return max(1, round(count * picture.shape[0] * picture.shape[1] / KADID_AREA))


def patch_displacement(picture, patches, rng):
    result = picture.copy()
    height, width = picture.shape[:2]
    for _ in range(scaled_count(picture, patches)):
        top, left = int(rng.integers(8, height - 24)), int(rng.integers(8, width - 24))
        dy, dx = rng.integers(-8, 9, 2)
        result[top + dy : top + dy + 16, left + dx : left + dx + 16] = result[top : top + 16, left : left + 16].copy()
    return result


def pixelate(picture, strength, rng):
    height, width = picture.shape[:2]
    scale = 0.95 - strength**0.6
    small = cv2.resize(picture, (int(width * scale), int(height * scale)), interpolation=cv2.INTER_NEAREST)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)


def quantization(picture, levels, rng):
    steps = np.floor(np.arange(256) * levels / 256)
    return cv2.LUT(picture, to_bytes(steps * 255 / (levels - 1)))


def color_block(picture, blocks, rng):
    result = picture.copy()
    for _ in range(scaled_count(picture, blocks)):
        top, left = int(rng.integers(0, picture.shape[0] - 32)), int(rng.integers(0, picture.shape[1] - 32))
        result[top : top + 32, left : left + 32] = rng.integers(0, 256, 3)
    return result


def high_sharpen(picture, amount, rng):
    sigma = math.exp(rng.uniform(math.log(1.5), math.log(6)))

    def change(lab):
        lab[..., 0] = np.clip(lab[..., 0] + amount * (lab[..., 0] - gaussian(lab[..., 0], sigma)), 0, 100)
        return lab

    return through_lab(picture, change)


DAMAGES = {
    1: lambda picture, sigma, rng: gaussian(picture, sigma),
    2: lambda picture, radius, rng: cv2.filter2D(picture, -1, disk_kernel(radius)),
    3: lambda picture, length, rng: cv2.filter2D(picture, -1, motion_kernel(length, rng.uniform(0, math.pi))),
    4: color_diffusion, 5: color_shift, 6: color_quantization, 7: saturation_hsv, 8: saturation_lab,
    9: jpeg2000, 10: jpeg, 11: white_noise, 12: white_noise_ycbcr, 13: impulse_noise, 14: multiplicative_noise,
    15: denoise,
    16: lambda picture, amount, rng: curve(picture, [0, 0.5, 1], [0, 0.5 + amount / 2, 1]),
    17: lambda picture, amount, rng: curve(picture, [0, 0.5, 1], [0, 0.5 - amount / 2, 1]),
    18: lambda picture, offset, rng: to_bytes(picture + 255.0 * offset),
    19: jitter, 20: patch_displacement, 21: pixelate, 22: quantization, 23: color_block, 24: high_sharpen,
    25: lambda picture, amount, rng: curve(picture, [0, 0.25, 0.75, 1], [0, 0.25 - amount / 4, 0.75 + amount / 4, 1]),
}  # fmt: skip


def distort(picture: np.ndarray, distortion: int, parameter: float, rng: np.random.Generator) -> np.ndarray:
    """Damages uint8 RGB [H, W, 3] (from 64 px on) by distortion 1..25 with the table's parameter of the wanted level."""
    return DAMAGES[distortion](picture, parameter, rng)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=Path, required=True)
    arguments = parser.parse_args()
    labels, names, parameters = read_labels(arguments.labels)
    rng = np.random.default_rng(0)
    picture = cv2.GaussianBlur(rng.integers(0, 256, (288, 288, 3), dtype=np.uint8), (0, 0), 1)
    for distortion, name in names.items():
        start = time.perf_counter()
        for level in range(1, 6):
            result = distort(picture, distortion, parameters[distortion, level], rng)
            assert result.dtype == np.uint8 and result.shape == picture.shape, name
        print(f"{distortion:2d} {name:22s} {1000 * (time.perf_counter() - start) / 5:6.1f} ms",
              " ".join(f"{labels[distortion, level]:.2f}" for level in range(1, 6)))  # fmt: skip
