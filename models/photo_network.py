"""iqpir-photo: a small IQPIR restorer for photographs of any size.

Own design after "Beyond Ground-Truth" (arXiv 2603.29773); the method is the paper's, the network is not:
- the paper restores aligned 512 px faces, this one photographs of any size, so everything is local: the Transformer sees
  fixed windows of 4 x 4 latents (32 x 32 px), there is no normalisation over space and no global attention;
- the score is embedded as 10 rows *interpolated* (the paper rounds down), one vector a row instead of one map;
- the output is the input plus a residual whose last convolution starts at zero: untrained, the network is the identity;
- the HQ+ codebook is also gated by the requested score at inference, as it was in training.

Ranges: images 0..1 RGB, [N, 3, H, W], H and W multiples of 32. Latent: 1/8 of the picture, 192 channels.
How far a pixel looks: encoder 30 px beyond a latent's cell, one 32 px window, decoder 30 px. A tile whose origin lies on
the 32 px grid therefore equals the whole picture 64 px away from its own cut edges (`python photo_network.py` proves it).

    python models/photo_network.py           # prints size, cost and reach, and checks that tiles equal the whole
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDTHS = (48, 96, 192)  # channels at 1/2, 1/4, 1/8 of the picture
ENCODER_BLOCKS = (2, 2, 2)
DECODER_BLOCKS = (2, 2, 2)
CODES = 512  # entries in each of the two codebooks (the paper: 1024); half as many fill twice as fast in a short training
LATENT = WIDTHS[2]
WINDOW = 4  # latents; 32 px
TRANSFORMER = dict(dim=192, layers=2, heads=4)
ALPHA = 0.8  # weight of the HQ+ code, the authors' training option
RESIDUAL = 0.1  # size of the head's output in 0..1; what has to be added to a picture is seldom larger
HQ_THRESHOLD = 0.75  # score from which the HQ+ branch is on; it fades in over 0.1 around it


class GatedBlock(nn.Module):
    """x + gather(look(left y) * look(right y)), y being x with each position's channels at a mean square of one.

    A gate instead of an activation, after NAFNet (arXiv 2204.04676); its attention over the whole picture is left out, which
    tiles could not reproduce. One depthwise 3x3, so that reach stays small. The halves are convolutions of their own and the mean
    is one, too: onnxruntime then keeps its blocked layout (a quarter faster than slices and a reduction). Starts as the identity."""

    def __init__(self, channels: int):
        super().__init__()
        self.register_buffer("mean", torch.full((1, channels, 1, 1), 1 / channels), persistent=False)
        wide = 2 * channels
        self.left, self.right = nn.Conv2d(channels, wide, 1), nn.Conv2d(channels, wide, 1)
        self.look_left, self.look_right = (nn.Conv2d(wide, wide, 3, padding=1, groups=wide) for _ in range(2))
        self.gather = nn.Conv2d(wide, channels, 1)
        nn.init.zeros_(self.gather.weight)
        nn.init.zeros_(self.gather.bias)

    def forward(self, x: Tensor) -> Tensor:
        y = x * (F.conv2d(x * x, self.mean) + 1e-4).rsqrt()
        return x + self.gather(self.look_left(self.left(y)) * self.look_right(self.right(y)))


def blocks(channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(*[GatedBlock(channels) for _ in range(count)])


def bands(image: Tensor) -> Tensor:
    """[N,3,H,W] 0..1 -> [N,12,H/2,W/2]: a channel's 2 x 2 pixels as mean and three differences, all of about unit size.

    Noise and edges live in the differences, a tenth as large as the means; unscaled, they are what a short training never
    gets to (measured: 500 iterations without any gain)."""
    a, b, c, d = F.pixel_unshuffle(image - 0.5, 2).unflatten(1, (3, 4)).unbind(2)
    low, across, down, both = a + b + c + d, a - b + c - d, a + b - c - d, a - b - c + d
    return torch.cat((low, 6 * across, 6 * down, 12 * both), 1)


class Encoder(nn.Module):
    """[N,3,H,W] -> features at 1/2 (48), 1/4 (96) and 1/8 (192 channels)."""

    def __init__(self):
        super().__init__()
        a, b, c = WIDTHS
        self.stem = nn.Conv2d(12, a, 3, padding=1)
        self.at_half = blocks(a, ENCODER_BLOCKS[0])
        self.to_quarter = nn.Conv2d(a, b, 2, stride=2)
        self.at_quarter = blocks(b, ENCODER_BLOCKS[1])
        self.to_eighth = nn.Conv2d(b, c, 2, stride=2)
        self.at_eighth = blocks(c, ENCODER_BLOCKS[2])

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        half = self.at_half(self.stem(bands(image)))
        quarter = self.at_quarter(self.to_quarter(half))
        return half, quarter, self.at_eighth(self.to_eighth(quarter))


class Codebook(nn.Module):
    """CODES vectors of LATENT channels; nearest by Euclidean distance."""

    def __init__(self):
        super().__init__()
        self.register_buffer("entries", torch.randn(CODES, LATENT) * 0.1)

    def nearest(self, tokens: Tensor) -> Tensor:  # [T, LATENT] -> [T] codes
        return (self.entries.pow(2).sum(1) - 2 * tokens @ self.entries.t()).argmin(1)

    def chosen(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """[..., CODES] logits -> ([...] codes, [..., LATENT] entries). Forward the argmax's entry, backward the expectation's."""
        codes = logits.argmax(-1)
        entries = F.embedding(codes, self.entries)
        if torch.is_grad_enabled() and logits.requires_grad:
            expected = logits.softmax(-1) @ self.entries
            entries = expected + (entries - expected).detach()
        return codes, entries


class TransformerLayer(nn.Module):
    """Pre-norm attention among the 16 tokens of one window (position added to queries and keys), then an MLP x2."""

    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.to_qk, self.to_v, self.project = nn.Linear(dim, 2 * dim), nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.ReLU(), nn.Linear(2 * dim, dim))

    def forward(self, x: Tensor, position: Tensor) -> Tensor:  # [windows, 16, dim]
        windows, tokens, dim = x.shape
        normed = self.norm1(x)
        q, k = self.to_qk(normed + position).chunk(2, dim=-1)
        split = (-1, tokens, self.heads, dim // self.heads)
        q, k, v = (t.reshape(split).transpose(1, 2) for t in (q, k, self.to_v(normed)))
        weights = (q @ k.transpose(-1, -2) * (dim // self.heads) ** -0.5).softmax(-1)
        x = x + self.project((weights @ v).transpose(1, 2).reshape(-1, tokens, dim))
        return x + self.mlp(self.norm2(x))


class CodePredictor(nn.Module):
    """Latent with the score added -> logits of both codes a latent, and the Transformer's own view of the latent."""

    def __init__(self):
        super().__init__()
        dim, layers, heads = TRANSFORMER["dim"], TRANSFORMER["layers"], TRANSFORMER["heads"]
        self.enter = nn.Linear(LATENT, dim)
        self.position = nn.Parameter(torch.randn(WINDOW * WINDOW, dim) * 0.02)
        self.layers = nn.ModuleList([TransformerLayer(dim, heads) for _ in range(layers)])
        self.norm = nn.LayerNorm(dim)
        self.logits = nn.Linear(dim, 2 * CODES, bias=False)  # first half: common, second half: HQ+
        self.leave = nn.Linear(dim, LATENT)

    def forward(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        n, c, h, w = latent.shape
        rows, columns = h // WINDOW, w // WINDOW
        x = latent.reshape(n, c, rows, WINDOW, columns, WINDOW).permute(0, 2, 4, 3, 5, 1)
        x = self.enter(x.reshape(-1, WINDOW * WINDOW, c))
        for layer in self.layers:
            x = layer(x, self.position)
        x = self.norm(x)

        def as_map(t: Tensor) -> Tensor:  # [windows, 16, k] -> [N, h, w, k]
            t = t.reshape(n, rows, columns, WINDOW, WINDOW, t.shape[-1])
            return t.permute(0, 1, 3, 2, 4, 5).reshape(n, h, w, t.shape[-1])

        return as_map(self.logits(x)), as_map(self.leave(x)).permute(0, 3, 1, 2)


class Decoder(nn.Module):
    """Quantised feature (and, weighted by fidelity, the encoder's features) -> feature at 1/2, ready for a 12-channel head."""

    def __init__(self):
        super().__init__()
        a, b, c = WIDTHS
        self.at_eighth, self.at_quarter, self.at_half = (blocks(w, n) for w, n in zip((c, b, a), DECODER_BLOCKS[::-1]))
        self.enter = nn.Conv2d(c, c, 1)
        self.to_quarter, self.to_half = nn.Conv2d(c, 4 * b, 1), nn.Conv2d(b, 4 * a, 1)
        self.view = nn.Conv2d(c, c, 1)  # of the Transformer
        for layer in (self.enter, self.view):  # a plain U-Net at first: what the codes add is learned, not suffered
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, quantised: Tensor, detail: tuple | None = None, fidelity: Tensor | None = None) -> Tensor:
        x = self.enter(quantised)
        if detail is not None:
            half, quarter, eighth, view = detail
            x = x + fidelity * (eighth + self.view(view))
        x = F.pixel_shuffle(self.to_quarter(self.at_eighth(x)), 2)
        if detail is not None:
            x = x + fidelity * quarter
        x = F.pixel_shuffle(self.to_half(self.at_quarter(x)), 2)
        if detail is not None:
            x = x + fidelity * half
        return self.at_half(x)


def hq_gate(score: Tensor) -> Tensor:
    """How much of the HQ+ code is used at a score: 0 below the threshold, 1 above, a ramp of 0.1 between."""
    return ((score - HQ_THRESHOLD) * 10 + 0.5).clamp(0, 1)


class Prior(nn.Module):
    """The method as an addition to any restorer with a latent of LATENT channels at 1/8: a requested score is added to the latent,
    a Transformer picks one entry of each of two frozen codebooks."""

    def __init__(self):
        super().__init__()
        self.predictor, self.common, self.hqplus = CodePredictor(), Codebook(), Codebook()
        self.score_rows = nn.Parameter(torch.randn(10, LATENT) * 0.02)

    def embed_score(self, score: Tensor) -> Tensor:  # [N] -> [N, LATENT, 1, 1], rows stand at scores 0, 1/9 .. 1
        place = torch.arange(10, device=score.device, dtype=score.dtype)
        return ((1 - (score.clamp(0, 1)[:, None] * 9 - place).abs()).clamp(min=0) @ self.score_rows)[:, :, None, None]

    def forward(self, latent: Tensor, score: Tensor) -> tuple[Tensor, Tensor]:
        """latent [N,LATENT,h,w], score [N] -> logits [N,h,w,2 CODES] and the Transformer's view [N,LATENT,h,w]."""
        return self.predictor(latent + self.embed_score(score))

    def quantise(self, logits: Tensor, score: Tensor) -> tuple[Tensor, Tensor]:
        """-> feature [N,LATENT,h,w] of both chosen codes, and the codes [N,2,h,w] (common, HQ+)."""
        codes_c, common = self.common.chosen(logits[..., :CODES])
        codes_h, hqplus = self.hqplus.chosen(logits[..., CODES:])
        feature = common + ALPHA * hq_gate(score)[:, None, None, None] * hqplus
        return feature.permute(0, 3, 1, 2), torch.stack((codes_c, codes_h), 1)


class PhotoNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.prior, self.decoder = Encoder(), Prior(), Decoder()
        self.head = nn.Conv2d(WIDTHS[0], 12, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def encode(self, image: Tensor, score: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """image [N,3,H,W], score [N] -> logits [N,H/8,W/8,2 CODES] and the details that fidelity fuses in."""
        half, quarter, eighth = self.encoder(image)
        logits, view = self.prior(eighth, score)
        return logits, (half, quarter, eighth, view)

    def decode(self, image: Tensor, quantised: Tensor, details: tuple[Tensor, ...], fidelity: Tensor) -> Tensor:
        """fidelity [1] or [N] -> restored [N,3,H,W]."""
        x = self.decoder(quantised, details, fidelity.reshape(-1, 1, 1, 1))
        return image + RESIDUAL * F.pixel_shuffle(self.head(x), 2)

    def restore(self, image: Tensor, score: Tensor, fidelity: Tensor) -> dict[str, Tensor]:
        """Everything the losses need."""
        logits, details = self.encode(image, score)
        quantised, codes = self.prior.quantise(logits, score)
        restored = self.decode(image, quantised, details, fidelity)
        return dict(restored=restored, logits=logits, quantised=quantised, codes=codes)

    def forward(self, image: Tensor, score: Tensor, fidelity: Tensor) -> tuple[Tensor, Tensor]:
        """The exported interface: restored [N,3,H,W] and codes [N,2,H/8,W/8] (common, HQ+)."""
        out = self.restore(image, score, fidelity)
        return out["restored"], out["codes"]


def reach() -> dict[str, int]:
    """How far a latent (encoder) and a pixel (decoder) look beyond their own cell, in px: every 3x3 adds one step of its scale."""
    scales = (2, 4, 8)
    return dict(
        encoder=2 + sum(s * n for s, n in zip(scales, ENCODER_BLOCKS)),
        window=8 * WINDOW,
        decoder=2 + sum(s * n for s, n in zip(scales, DECODER_BLOCKS)),
    )


def prove_tiles_equal_whole(network: PhotoNetwork, margin: int = 64, size: int = 320) -> float:
    """Largest difference between a picture restored whole and the inside of a tile cut out of its middle.

    Every weight that starts at zero is drawn at random first (on a copy), so that nothing hides a far-reaching path."""
    import copy

    network = copy.deepcopy(network).eval()
    for parameter in network.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.05)
    image, score, fidelity = torch.rand(1, 3, size, size), torch.tensor([0.9]), torch.ones(1)
    with torch.no_grad():
        whole = network(image, score, fidelity)[0]
        tile = network(image[..., 32 : size - 64, 64 : size - 32], score, fidelity)[0]
    inside = whole[..., 32 : size - 64, 64 : size - 32] - tile
    return inside[..., margin:-margin, margin:-margin].abs().max().item()


if __name__ == "__main__":
    from torch.utils.flop_counter import FlopCounterMode

    net = PhotoNetwork().eval()
    print(f"{sum(p.numel() for p in net.state_dict().values()) / 1e6:.2f} M numbers; reach in px: {reach()}")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        net(torch.rand(1, 3, 512, 512), torch.tensor([0.9]), torch.ones(1))
    print(f"{counter.get_total_flops() / 512**2 / 1e3:.0f} GFLOP per megapixel")
    for edge in (64, 32):
        print(f"tile against whole, {edge} px from the cut: {prove_tiles_equal_whole(net, edge):.2e}")
