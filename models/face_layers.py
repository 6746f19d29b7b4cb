"""The convolutional layers of which face_network.py is built, named as the authors' checkpoint names their tensors."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def group_norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(32, channels, eps=1e-6)


def conv3(channels_in: int, channels_out: int) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, 3, padding=1)


class Residual(nn.Module):
    """x + conv(swish(norm(conv(swish(norm(x)))))), x through a 1 x 1 convolution where the channels change."""

    def __init__(self, channels_in: int, channels_out: int):
        super().__init__()
        self.norm1, self.conv1 = group_norm(channels_in), conv3(channels_in, channels_out)
        self.norm2, self.conv2 = group_norm(channels_out), conv3(channels_out, channels_out)
        self.conv_out = nn.Conv2d(channels_in, channels_out, 1) if channels_in != channels_out else None

    def forward(self, x: Tensor) -> Tensor:
        inner = self.conv1(F.silu(self.norm1(x)))
        inner = self.conv2(F.silu(self.norm2(inner)))
        return inner + (x if self.conv_out is None else self.conv_out(x))


class Attention(nn.Module):
    """x + attention of every position of the map to every other, one head."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = group_norm(channels)
        self.q, self.k, self.v, self.proj_out = (nn.Conv2d(channels, channels, 1) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:  # [N, C, H, W]
        normed = self.norm(x)
        q, k, v = (part(normed).flatten(2) for part in (self.q, self.k, self.v))  # [N, C, HW]
        weights = (q.transpose(1, 2) @ k * x.shape[1] ** -0.5).softmax(-1)  # [N, HW asking, HW asked]
        return x + self.proj_out((v @ weights.transpose(1, 2)).reshape(x.shape))


class Down(nn.Module):
    """Half the side; the padding is right and bottom only."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Up(nn.Module):
    """Twice the side: every pixel four times, then a convolution."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv = conv3(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class Fusion(nn.Module):
    """decoded + fidelity * (decoded * scale + shift), both drawn from encoder and generator feature together."""

    def __init__(self, channels: int):
        super().__init__()
        self.encode_enc = Residual(2 * channels, channels)
        self.scale, self.shift = (
            nn.Sequential(conv3(channels, channels), nn.LeakyReLU(0.2), conv3(channels, channels)) for _ in range(2)
        )

    def forward(self, seen: Tensor, decoded: Tensor, fidelity: Tensor) -> Tensor:
        both = self.encode_enc(torch.cat((seen, decoded), 1))
        return decoded + fidelity * (decoded * self.scale(both) + self.shift(both))
