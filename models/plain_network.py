"""A plain restorer, to show what the method adds to it: a U-Net of the same blocks, widths and scales as iqpir-photo, without it.

    python models/plain_network.py           # prints size and cost of the three

  plain         image -> restored, as such networks are
  plain-score   the requested score is added to the latent, and nothing else
  plain-prior   the score and both codebooks (photo_network.Prior): what they pick is added to the latent
Same interface as iqpir-photo, no fusion by fidelity.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from photo_network import DECODER_BLOCKS, ENCODER_BLOCKS, LATENT, RESIDUAL, WIDTHS, PhotoNetwork, Prior, bands, blocks


class PlainNetwork(nn.Module):
    def __init__(self, score: bool = False, prior: bool = False):
        super().__init__()
        a, b, c = WIDTHS
        self.stem = nn.Conv2d(12, a, 3, padding=1)
        self.down = nn.ModuleList([nn.Conv2d(a, b, 2, stride=2), nn.Conv2d(b, c, 2, stride=2)])
        self.encoders = nn.ModuleList(map(blocks, WIDTHS, ENCODER_BLOCKS))
        self.decoders = nn.ModuleList(map(blocks, WIDTHS, DECODER_BLOCKS))
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
