"""iqpir-face-mini: the published face network's structure, scaled down to what two CPU cores can train.

    image [N,3,512,512] RGB, 0..1, on the FFHQ template
      encoder    pixels in 4 x 4 blocks, then 64, 64, 128, 192 channels at 128, 64, 32, 16 px  -> latent [N,64,16,16]
      score      row floor(10 * score) of a table of ten vectors, added to every cell
      predictor  256 tokens of 192, four layers of attention                                  -> two codes a token, each of 256
      codebooks  common[i] + 0.8 * hqplus[j]
      generator  the encoder mirrored                                                         -> picture of the codes
      fusion     after the blocks at 32, 64 and 128 px, and of the pixels themselves: fidelity 0 is the codes' picture alone,
                 fidelity 1 of an untrained network the input

It differs from face_network.py by its sizes, by one vector a score where that has a map, by the fusion of the pixels, and by taking no
statistics from the latent. It has not been trained yet: whether it ships, `evaluate_face_mini.py` is to decide.

    python models/face_mini.py     # size, and seconds a face
"""

from __future__ import annotations

import time

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from face_layers import Attention, Down, Fusion, Residual, Up, conv3, group_norm

BLOCK = 4  # px of a side that the first convolution sees as one
CHANNELS = (64, 64, 128, 192)  # at 128, 64, 32, 16 px
LATENT, SIDE = 64, 16  # channels, cells a side
CODES, SCORES, ALPHA = 256, 10, 0.8
DIM, LAYERS, HEADS = 192, 4, 6


class Encoder(nn.Module):
    """[N,3,512,512] -> latent [N,64,16,16] and what the fusions see, finest first."""

    def __init__(self):
        super().__init__()
        self.stem = conv3(3 * BLOCK**2, CHANNELS[0])
        before, levels = CHANNELS[0], []
        for channels in CHANNELS:
            levels.append(Residual(before, channels))
            before = channels
        self.levels, self.downs = nn.ModuleList(levels), nn.ModuleList(Down(channels) for channels in CHANNELS[:-1])
        self.middle = nn.Sequential(Attention(before), Residual(before, before), group_norm(before), conv3(before, LATENT))

    def forward(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        x, seen = self.stem(F.pixel_unshuffle(image - 0.5, BLOCK)), []
        for level, down in zip(self.levels, self.downs):
            x = level(x)
            seen.append(x)
            x = down(x)
        return self.middle(self.levels[-1](x)), seen


class Generator(nn.Module):
    """Feature [N,64,16,16] -> pixels in blocks [N,48,128,128]; what the encoder saw is fused in by `fidelity` [N,1,1,1]."""

    def __init__(self):
        super().__init__()
        lowest = CHANNELS[-1]
        self.middle = nn.Sequential(conv3(LATENT, lowest), Residual(lowest, lowest), Attention(lowest), Residual(lowest, lowest))
        self.ups, self.levels, self.fusions = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        before = lowest
        for channels in reversed(CHANNELS[:-1]):
            self.ups.append(Up(before))
            self.levels.append(Residual(before, channels))
            self.fusions.append(Fusion(channels))
            before = channels
        self.head = nn.Sequential(group_norm(before), conv3(before, 3 * BLOCK**2))

    def forward(self, feature: Tensor, seen: list[Tensor], fidelity: Tensor | None) -> tuple[Tensor, Tensor]:
        """-> pixels in blocks, and the last feature."""
        x = self.middle(feature)
        for up, level, fusion, finer in zip(self.ups, self.levels, self.fusions, reversed(seen)):
            x = level(up(x))
            if fidelity is not None:
                x = fusion(finer, x, fidelity)
        return self.head(x), x


class FaceMini(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.generator = Encoder(), Generator()
        self.common, self.hqplus = (nn.Parameter(torch.randn(CODES, LATENT) * 0.1) for _ in range(2))
        self.score_rows = nn.Parameter(torch.zeros(SCORES, LATENT))
        self.position = nn.Parameter(torch.zeros(SIDE**2, DIM))
        self.to_tokens, self.logits = nn.Linear(LATENT, DIM), nn.Linear(DIM, 2 * CODES)
        layer = nn.TransformerEncoderLayer(DIM, HEADS, 2 * DIM, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
        self.pixels = nn.Conv2d(3 * BLOCK**2 + CHANNELS[0], 3 * BLOCK**2, 3, padding=1)
        nn.init.zeros_(self.pixels.weight)
        nn.init.zeros_(self.pixels.bias)

    def predict(self, latent: Tensor) -> Tensor:
        """Latent -> logits [N, 256, 2, CODES] (common, HQ+), row by row."""
        tokens = self.to_tokens(latent.flatten(2).transpose(1, 2)) + self.position
        return self.logits(self.layers(tokens)).unflatten(-1, (2, CODES))

    def feature(self, logits: Tensor) -> Tensor:
        """What the best codes say [N,64,16,16]; backward it is what the softmax expects, so that the choice is trained."""
        soft = logits.softmax(-1)
        hard = F.one_hot(logits.argmax(-1), CODES).to(soft.dtype)
        chosen = hard + soft - soft.detach()
        found = chosen[:, :, 0] @ self.common + ALPHA * (chosen[:, :, 1] @ self.hqplus)
        return found.transpose(1, 2).unflatten(2, (SIDE, SIDE))

    def restore(self, image: Tensor, score: Tensor, fidelity: Tensor) -> dict[str, Tensor]:
        """[N,3,512,512] 0..1, [N] 0..1, [N] 0..1 -> `restored` (not clamped) and `logits`."""
        latent, seen = self.encoder(image)
        row = (score * SCORES).floor().long().clamp(0, SCORES - 1)
        logits = self.predict(latent + self.score_rows[row][:, :, None, None])
        share = fidelity[:, None, None, None]
        drawn, last = self.generator(self.feature(logits), seen, share)
        blocks = F.pixel_unshuffle(image - 0.5, BLOCK)
        mended = blocks - drawn + self.pixels(torch.cat((blocks, last), 1))
        return {"restored": F.pixel_shuffle(drawn + share * mended, BLOCK) + 0.5, "logits": logits}

    def forward(self, image: Tensor, score: Tensor, fidelity: Tensor) -> Tensor:
        return self.restore(image, score, fidelity)["restored"]


if __name__ == "__main__":
    torch.manual_seed(0)
    network, image = FaceMini().eval(), torch.rand(1, 3, 512, 512)
    with torch.inference_mode():
        same = network(image, torch.tensor([0.9]), torch.tensor([1.0]))
        began = time.perf_counter()
        network(image, torch.tensor([0.9]), torch.tensor([1.0]))
    size = sum(p.numel() for p in network.parameters()) / 1e6
    print(f"{size:.2f} M parameters, {time.perf_counter() - began:.2f} s a face; fidelity 1 untrained: the input within {(same - image).abs().max():.1e}")
