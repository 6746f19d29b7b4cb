"""Networks that people use, to measure ours against: FFDNet, waifu2x for photographs, Real-ESRGAN x4plus.

    python models/package_weights.py && python models/peer_networks.py        # builds them and prints parameters and shapes

Each takes and gives RGB 0..1 [N, 3, H, W]; `.to(device)` moves all of its weights. Written from the published descriptions, with the
weights that packages carry (package_weights.py). The outputs of waifu2x and Real-ESRGAN equal those of the packages' own programs on
the CPU within rounding.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from package_weights import ncnn_convolutions, weights


def constants(pairs) -> nn.ModuleList:
    """(weight, bias) pairs as part of a network, so that its device is theirs."""
    return nn.ModuleList(nn.ParameterList(nn.Parameter(part, requires_grad=False) for part in pair) for pair in pairs)


class FFDNet(nn.Module):
    """Zhang et al. 2018, colour: twelve 3 x 3 convolutions at half size, told the noise level (standard deviation, 1/255)."""

    def __init__(self):
        super().__init__()
        widths = [13, *[96] * 11, 12]
        self.convolutions = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in zip(widths, widths[1:]))
        tensors = torch.load(weights("ffdnet"), weights_only=True)
        for index, convolution in enumerate(self.convolutions):
            convolution.load_state_dict({key: tensors[f"model.{2 * index}.{key}"] for key in ("weight", "bias")})
        self.requires_grad_(False)

    def forward(self, image: Tensor, noise: float) -> Tensor:
        height, width = image.shape[2:]
        x = F.pixel_unshuffle(F.pad(image, (0, width % 2, 0, height % 2), "replicate"), 2)
        x = torch.cat([x, x.new_full((len(x), 1, *x.shape[2:]), noise / 255)], 1)
        for convolution in self.convolutions[:-1]:
            x = F.relu(convolution(x))
        return F.pixel_shuffle(self.convolutions[-1](x), 2)[:, :, :height, :width]


class Waifu2xPhoto(nn.Module):
    """upconv_7, photographs, noise reduction 3: twice the size. Unpadded convolutions, so 7 px are added around."""

    WIDTHS = (3, 16, 32, 64, 128, 128, 256)
    BORDER = 7

    def __init__(self):
        super().__init__()
        shapes = [(b, a, 3, 3) for a, b in zip(self.WIDTHS, self.WIDTHS[1:])]
        *pairs, (weight, bias) = ncnn_convolutions(weights("waifu2x").read_bytes(), [*shapes, (3, 256, 4, 4)])
        self.convolutions = constants([*pairs, (weight.transpose(0, 1).contiguous(), bias)])

    def forward(self, image: Tensor) -> Tensor:
        x = F.pad(image, (self.BORDER,) * 4, "replicate")
        for weight, bias in self.convolutions[:-1]:
            x = F.leaky_relu(F.conv2d(x, weight, bias), 0.1)
        return F.conv_transpose2d(x, *self.convolutions[-1], stride=2, padding=3)


class RealESRGAN(nn.Module):
    """RRDBNet of Wang et al. 2021, x4plus: 23 blocks of three dense blocks of five convolutions; four times the size.

    Its program adds 10 px around by reflection, and so does this.
    """

    WIDTH, GROWTH, BLOCKS, BORDER = 64, 32, 23, 10

    def __init__(self):
        super().__init__()
        width, growth = self.WIDTH, self.GROWTH
        dense = [(growth if i < 4 else width, width + i * growth, 3, 3) for i in range(5)]
        plain = (width, width, 3, 3)
        shapes = [(width, 3, 3, 3), *dense * 3 * self.BLOCKS, *[plain] * 4, (3, width, 3, 3)]
        found = ncnn_convolutions(weights("realesrgan").read_bytes(), shapes)
        self.convolutions = constants((weight.contiguous(memory_format=torch.channels_last), bias) for weight, bias in found)

    def forward(self, image: Tensor) -> Tensor:
        remaining = iter(self.convolutions)

        def convolution(x: Tensor) -> Tensor:
            return F.conv2d(x, *next(remaining), padding=1)

        image = F.pad(image, (self.BORDER,) * 4, "reflect").contiguous(memory_format=torch.channels_last)
        x = first = convolution(image)
        for _ in range(self.BLOCKS):
            block = x
            for _ in range(3):
                seen, start = x, x
                for _ in range(4):
                    seen = torch.cat([seen, F.leaky_relu(convolution(seen), 0.2)], 1)
                x = start + 0.2 * convolution(seen)
            x = block + 0.2 * x
        x = first + convolution(x)
        for _ in range(2):
            x = F.leaky_relu(convolution(F.interpolate(x, scale_factor=2)), 0.2)
        cut = slice(4 * self.BORDER, -4 * self.BORDER)
        return convolution(F.leaky_relu(convolution(x), 0.2))[:, :, cut, cut]


if __name__ == "__main__":
    image = torch.rand(1, 3, 33, 40)
    with torch.inference_mode():
        print("FFDNet", tuple(FFDNet()(image, 15).shape))
        print("waifu2x", tuple(Waifu2xPhoto()(image).shape))
        print("Real-ESRGAN", tuple(RealESRGAN()(image).shape))
