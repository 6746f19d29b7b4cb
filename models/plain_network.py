"""A plain restorer, to show that the method can be added to another network: a small U-Net of gated, depthwise blocks.

    python models/plain_network.py           # prints size and cost of the three

  plain         image -> restored, as such networks are
  plain-score   the requested score is added to the latent, and nothing else
  plain-prior   the score and both codebooks (photo_network.Prior): what they pick is added to the latent
The blocks follow NAFNet (arXiv 2204.04676: gates instead of activations), without its attention over the whole picture, which
tiles could not reproduce; written anew. Same widths, scales and interface as iqpir-photo, no fusion by fidelity.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from photo_network import DECODER_BLOCKS, ENCODER_BLOCKS, LATENT, RESIDUAL, WIDTHS, PhotoNetwork, Prior, bands


class GatedBlock(nn.Module):
    """x + W(gate(depthwise 3x3(1x1(norm x)))), then the same without the 3x3. Starts as the identity."""

    def __init__(self, channels: int):
        super().__init__()
        self.norms = nn.ParameterList([torch.ones(1, channels, 1, 1) for _ in range(2)])
        self.spread, self.gather = nn.Conv2d(channels, 2 * channels, 1), nn.Conv2d(channels, channels, 1)
        self.look = nn.Conv2d(2 * channels, 2 * channels, 3, padding=1, groups=2 * channels)
        self.widen, self.narrow = nn.Conv2d(channels, 2 * channels, 1), nn.Conv2d(channels, channels, 1)
        for last in (self.gather, self.narrow):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.look(self.spread(self.normed(x, 0))).chunk(2, 1)
        x = x + self.gather(a * b)
        a, b = self.widen(self.normed(x, 1)).chunk(2, 1)
        return x + self.narrow(a * b)

    def normed(self, x: Tensor, which: int) -> Tensor:
        """Each position's channels at a mean square of one."""
        return x * (x.float().square().mean(1, keepdim=True) + 1e-6).rsqrt() * self.norms[which]


class PlainNetwork(nn.Module):
    def __init__(self, score: bool = False, prior: bool = False):
        super().__init__()
        a, b, c = WIDTHS
        one, two, three = ENCODER_BLOCKS
        self.stem = nn.Conv2d(12, a, 3, padding=1)
        self.down = nn.ModuleList([nn.Conv2d(a, b, 2, stride=2), nn.Conv2d(b, c, 2, stride=2)])
        self.encoders = nn.ModuleList(nn.Sequential(*[GatedBlock(w) for _ in range(n)]) for w, n in zip(WIDTHS, (one, two, three)))
        self.decoders = nn.ModuleList(nn.Sequential(*[GatedBlock(w) for _ in range(n)]) for w, n in zip(WIDTHS, DECODER_BLOCKS))
        self.up = nn.ModuleList([nn.Conv2d(b, 4 * a, 1), nn.Conv2d(c, 4 * b, 1)])
        self.head = nn.Conv2d(a, 12, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.prior = Prior() if score or prior else None
        self.mix = nn.Conv2d(2 * LATENT, LATENT, 1) if prior else None
        if score and not prior:  # only the embedding is used
            self.prior.predictor = None

    def restore(self, image: Tensor, score: Tensor, fidelity: Tensor) -> dict[str, Tensor]:
        """As PhotoNetwork.restore; logits, quantised and codes only with the prior."""
        half = self.encoders[0](self.stem(bands(image)))
        quarter = self.encoders[1](self.down[0](half))
        x, found = self.encoders[2](self.down[1](quarter)), {}
        if self.mix is not None:
            logits, view = self.prior(x, score)
            quantised, codes = self.prior.quantise(logits, score)
            x, found = x + self.mix(torch.cat((quantised, view), 1)), dict(logits=logits, quantised=quantised, codes=codes)
        elif self.prior is not None:
            x = x + self.prior.embed_score(score)
        x = quarter + F.pixel_shuffle(self.up[1](self.decoders[2](x)), 2)
        x = half + F.pixel_shuffle(self.up[0](self.decoders[1](x)), 2)
        return dict(restored=image + RESIDUAL * F.pixel_shuffle(self.head(self.decoders[0](x)), 2), **found)

    def forward(self, image: Tensor, score: Tensor, fidelity: Tensor) -> tuple[Tensor, None]:
        return self.restore(image, score, fidelity)["restored"], None


NETWORKS = {
    "photo": PhotoNetwork,
    "plain": PlainNetwork,
    "plain-score": lambda: PlainNetwork(score=True),
    "plain-prior": lambda: PlainNetwork(prior=True),
}


if __name__ == "__main__":
    from torch.utils.flop_counter import FlopCounterMode

    for name, build in NETWORKS.items():
        network = build().eval()
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            network(torch.rand(1, 3, 256, 256), torch.tensor([0.9]), torch.ones(1))
        size = sum(p.numel() for p in network.state_dict().values()) / 1e6
        print(f"{name}: {size:.2f} M numbers, {counter.get_total_flops() / 256**2 / 1e3:.0f} GFLOP per megapixel")
