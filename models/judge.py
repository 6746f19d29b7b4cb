"""The independent judge: the distance of two pictures in SqueezeNet 1.1's features. NOBODY TRAINS ON IT.

    python models/package_weights.py squeezenet        # once: 83 MB of package for 5 MB of weights
    python models/judge.py A.png B.png                 # the distance
    python models/judge.py samples/dogs-already-good.jpg      # proof that the network is whole: ImageNet class 258, Samoyed

A restorer trained towards EfficientNet's features (perceptual.py), chosen by a score that grew out of them, can learn to please them
without looking better. This network is of another family, was trained by others, and is used for figures in tables only: no loss,
no choice of a checkpoint or of a margin may look at it, or it is worth nothing.

Features after conv1, fire3, fire5, fire6, fire7, fire8 and fire9 (at 1/2 to 1/16), as LPIPS takes them from SqueezeNet, but without LPIPS's
learned weights: each position's vector scaled to length 1, squared differences summed over channels, averaged over positions and then
layers. 0 for equal pictures. Weights: BSD-2-Clause, the SqueezeNet authors' as ncnn's examples carry them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from package_weights import ncnn_convolutions, weights
from photos import decode_rgb

# squeezed and expanded channels (half by 1 x 1, half by 3 x 3) of fire2 ... fire9
FIRES = [(16, 128), (16, 128), (32, 256), (32, 256), (48, 384), (48, 384), (64, 512), (64, 512)]
TAPS = (3, 5, 6, 7, 8, 9)
POOLED_BEFORE = (2, 4, 6)  # the fires behind a maximum over 3 x 3, step 2
MEAN = (104.0, 117.0, 123.0)  # BGR, 0..255


class SqueezeNet(nn.Module):
    """image [N, 3, H, W] RGB 0..1 -> feature maps by layer name; `prob` [N, 1000] on request."""

    def __init__(self):
        super().__init__()
        shapes, width = [(64, 3, 3, 3)], 64
        for squeezed, expanded in FIRES:
            half = expanded // 2
            shapes += [(squeezed, width, 1, 1), (half, squeezed, 1, 1), (half, squeezed, 3, 3)]
            width = expanded
        self.convolutions = ncnn_convolutions(weights("squeezenet").read_bytes(), [*shapes, (1000, width, 1, 1)])
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))

    def forward(self, image: Tensor, classify: bool = False) -> dict[str, Tensor]:
        remaining = iter(self.convolutions)

        def convolution(x: Tensor, stride: int = 1, padding: int = 0) -> Tensor:
            return F.relu(F.conv2d(x, *next(remaining), stride, padding))

        found = {"conv1": convolution(image.flip(1) * 255 - self.mean, stride=2)}
        x = found["conv1"]
        for number in range(2, 10):
            if number in POOLED_BEFORE:
                x = F.max_pool2d(x, 3, 2, ceil_mode=True)
            x = convolution(x)
            x = found[f"fire{number}"] = torch.cat([convolution(x), convolution(x, padding=1)], 1)
        if classify:
            found["prob"] = convolution(x, padding=1).mean((2, 3)).softmax(1)
        return found


class JudgeDistance(nn.Module):
    def __init__(self):
        super().__init__()
        self.network = SqueezeNet()

    def features(self, image: Tensor) -> list[Tensor]:  # -> [N, C, H/s, W/s], unit length over C
        found = self.network(image)
        taps = [found["conv1"], *(found[f"fire{number}"] for number in TAPS)]
        return [x * (x.pow(2).sum(1, keepdim=True) + 1e-6).rsqrt() for x in taps]

    @torch.inference_mode()  # so that no gradient can be drawn through it
    def forward(self, a: Tensor, b: Tensor) -> Tensor:  # -> [N]
        pairs = list(zip(self.features(a), self.features(b)))
        return sum((x - y).pow(2).sum(1).mean((1, 2)) for x, y in pairs) / len(pairs)


def classes(network: SqueezeNet, picture: np.ndarray) -> list[tuple[int, float]]:
    """ImageNet's five likeliest classes (0 to 999) of the picture's middle square, with their probabilities."""
    edge = min(picture.shape[:2])
    top, left = ((size - edge) // 2 for size in picture.shape[:2])
    square = cv2.resize(picture[top : top + edge, left : left + edge], (227, 227), interpolation=cv2.INTER_AREA)
    likely, index = network(tensor(square), classify=True)["prob"][0].topk(5)
    return [(int(i), round(float(p), 3)) for i, p in zip(index, likely)]


def tensor(picture: np.ndarray) -> Tensor:
    return torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+", type=Path, help="two to compare, or one to classify")
    one, *others = [decode_rgb(path.read_bytes()) for path in parser.parse_args().pictures]
    if others:
        print(f"{JudgeDistance()(tensor(one), tensor(others[0])).item():.4f}")
    else:
        print(classes(SqueezeNet(), one))
