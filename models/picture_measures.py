"""PSNR, SSIM and the learned feature distance of two pictures, and how folders of pictures are matched by name.

PSNR in dB over all pixels and channels, uint8; equal pictures count as 99 dB.
SSIM after Wang et al. 2004: Gaussian window of 11 px and sigma 1.5, a channel at a time, the mean over all.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch

from photos import decode_rgb

PICTURES = {".png", ".webp", ".jpg", ".jpeg", ".tif", ".tiff"}


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    error = np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2)
    return 99.0 if error == 0 else float(10 * np.log10(255**2 / error))


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    def blur(x: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(x, (11, 11), 1.5)[5:-5, 5:-5]

    a, b = a.astype(np.float64), b.astype(np.float64)
    mean_a, mean_b = blur(a), blur(b)
    var_a, var_b = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2
    both = blur(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    top = (2 * mean_a * mean_b + c1) * (2 * both + c2)
    return float((top / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))).mean())


def feature_distance(network: torch.nn.Module, a: np.ndarray, b: np.ndarray) -> float:
    """perceptual.FeatureDistance of two uint8 pictures, cut to even multiples of 8 px."""
    height, width = (edge - edge % 8 for edge in a.shape[:2])
    one, other = (torch.from_numpy(x[:height, :width].copy()).permute(2, 0, 1)[None].float() / 255 for x in (a, b))
    with torch.inference_mode():
        return network(one, other).item()


def by_name(folder: Path) -> dict[str, Path]:
    """Pictures of a folder by file name without extension."""
    return {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in PICTURES}


def load(path: Path) -> np.ndarray:
    return decode_rgb(path.read_bytes())
