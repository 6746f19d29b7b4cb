"""Tells restored crops from clean ones, patch by patch: the adversarial loss of the trainings (hinge, spectral norms)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm


class Discriminator(nn.Module):
    """[N,3,H,W] 0..1 -> [N,1,H/8,W/8], above 0 where it looks clean."""

    def __init__(self, widths: tuple[int, ...] = (32, 64, 128)):
        super().__init__()
        layers, inputs = [], 3
        for width in widths:
            layers += [spectral_norm(nn.Conv2d(inputs, width, 4, stride=2, padding=1)), nn.LeakyReLU(0.2)]
            inputs = width
        self.layers = nn.Sequential(*layers, spectral_norm(nn.Conv2d(inputs, 1, 3, padding=1)))

    def forward(self, image: Tensor) -> Tensor:
        return self.layers(2 * image - 1)

    def loss(self, restored: Tensor, clean: Tensor) -> Tensor:
        """What the discriminator itself descends on."""
        return F.relu(1 + self(restored.detach())).mean() + F.relu(1 - self(clean)).mean()
