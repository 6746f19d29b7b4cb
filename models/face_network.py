"""iqpir-face: the published IQPIR network for aligned 512 x 512 faces, written anew from its description.

Method: "Beyond Ground-Truth: Leveraging Image Quality Priors for Real-World Image Restoration" (CVPR 2026, arXiv 2603.29773).
The names and shapes of the 517 tensors are those of the authors' checkpoint (`params_ema`), so that it loads strictly; the
code is our own. No weights are shipped: the authors' are for non-commercial use and every user brings them (import_iqpir.py).

    image [N,3,512,512] RGB, -1..1
      encoder    six levels of 64 x (1,2,2,4,4,8) channels at 512..16 px       -> latent [N,256,16,16]
      score      row floor(10 * score) of a table of ten maps, added to it      -> latent, used from here on
      predictor  256 tokens of 512, nine layers of attention                    -> two codes a token, each of 1024
      codebooks  common[i] + alpha * hqplus[j], given the latent's mean and deviation by channel
      generator  the encoder mirrored                                           -> restored [N,3,512,512], about -1..1
      fusion     after four of its blocks, fidelity * (what the encoder saw)

The score's table has ten rows, 0.0 to 0.9 in tenths: 0.90 to 0.99 ask for the same, and so does 1.0 here, whose row the table
does not have. Scores outside 0..1 are clamped to the first and the last row.
The published commands and training options never use a fidelity above 0: what fusion does is untrained until measured.

    python models/face_network.py     # size, and multiplications by part
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from face_layers import Attention, Down, Fusion, Residual, Up, conv3, group_norm

SIDE = 512  # px
CHANNELS = (64, 128, 128, 256, 256, 512)  # at 512, 256, 128, 64, 32, 16 px
LATENT, LATENT_SIDE = 256, 16  # channels, cells a side
CODES = 1024  # entries in each of the two codebooks
SCORES = 10  # rows of the score's table
DIM, LAYERS, HEADS = 512, 9, 8
ALPHA = 0.8  # weight of the HQ+ code: the authors' training options and evaluation commands
# side of the fused feature: (encoder block whose output is seen, generator block after which it acts)
FUSIONS = {"32": (14, 9), "64": (11, 12), "128": (8, 15), "256": (5, 18)}


class Encoder(nn.Module):
    """Image [N,3,512,512] -> latent [N,256,16,16], and by side what the fusions look at."""

    def __init__(self):
        super().__init__()
        blocks: list[nn.Module] = [conv3(3, CHANNELS[0])]
        before, lowest = CHANNELS[0], CHANNELS[-1]
        for level, channels in enumerate(CHANNELS):
            last = level == len(CHANNELS) - 1
            for _ in range(2):
                blocks.append(Residual(before, channels))
                if last:
                    blocks.append(Attention(channels))
                before = channels
            if not last:
                blocks.append(Down(channels))
        blocks += [Residual(lowest, lowest), Attention(lowest), Residual(lowest, lowest)]
        blocks += [group_norm(lowest), conv3(lowest, LATENT)]
        self.blocks = nn.ModuleList(blocks)

    def forward(self, image: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        seen_after = {block: side for side, (block, _) in FUSIONS.items()}
        x, seen = image, {}
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in seen_after:
                seen[seen_after[number]] = x
        return x, seen


class SelfAttention(nn.Module):
    """HEADS heads; queries and keys see the position, values do not. One matrix holds the three projections."""

    def __init__(self):
        super().__init__()
        self.in_proj_weight = nn.Parameter(torch.empty(3 * DIM, DIM))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * DIM))
        self.out_proj = nn.Linear(DIM, DIM)
        nn.init.xavier_uniform_(self.in_proj_weight)

    def forward(self, normed: Tensor, position: Tensor) -> Tensor:  # [N, T, DIM], [T, DIM]
        n, tokens, _ = normed.shape
        q, k = F.linear(normed + position, self.in_proj_weight[: 2 * DIM], self.in_proj_bias[: 2 * DIM]).chunk(2, -1)
        v = F.linear(normed, self.in_proj_weight[2 * DIM :], self.in_proj_bias[2 * DIM :])
        q, k, v = (t.reshape(n, tokens, HEADS, DIM // HEADS).transpose(1, 2) for t in (q, k, v))
        attended = (q @ k.transpose(-1, -2) * (DIM // HEADS) ** -0.5).softmax(-1) @ v
        return self.out_proj(attended.transpose(1, 2).reshape(n, tokens, DIM))


class TransformerLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.self_attn = nn.LayerNorm(DIM), SelfAttention()
        self.norm2, self.linear1, self.linear2 = nn.LayerNorm(DIM), nn.Linear(DIM, 2 * DIM), nn.Linear(2 * DIM, DIM)

    def forward(self, x: Tensor, position: Tensor) -> Tensor:
        x = x + self.self_attn(self.norm1(x), position)
        return x + self.linear2(F.gelu(self.linear1(self.norm2(x))))


class Codebook(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(CODES, LATENT)

    def forward(self, codes: Tensor) -> Tensor:  # [N, T] -> [N, LATENT, 16, 16]
        return self.embedding(codes).transpose(1, 2).reshape(-1, LATENT, LATENT_SIDE, LATENT_SIDE)


class Generator(nn.Module):
    """Feature [N,256,16,16] -> image [N,3,512,512]; `after[block]` is applied to that block's output."""

    def __init__(self):
        super().__init__()
        lowest = CHANNELS[-1]
        blocks: list[nn.Module] = [conv3(LATENT, lowest), Residual(lowest, lowest), Attention(lowest), Residual(lowest, lowest)]
        before = lowest
        for level, channels in enumerate(reversed(CHANNELS)):
            for _ in range(2):
                blocks.append(Residual(before, channels))
                if level == 0:
                    blocks.append(Attention(channels))
                before = channels
            if level < len(CHANNELS) - 1:
                blocks.append(Up(channels))
        blocks += [group_norm(before), conv3(before, 3)]
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor, after: dict[int, Callable[[Tensor], Tensor]]) -> Tensor:
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in after:
                x = after[number](x)
        return x


def channel_statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel, [N, C, 1, 1]."""
    return x.mean((2, 3), keepdim=True), (x.var((2, 3), unbiased=True, keepdim=True) + 1e-5).sqrt()


def adapt(feature: Tensor, latent: Tensor) -> Tensor:
    """The feature with the latent's mean and standard deviation, channel by channel."""
    (mean, deviation), (wanted_mean, wanted_deviation) = channel_statistics(feature), channel_statistics(latent)
    return (feature - mean) / deviation * wanted_deviation + wanted_mean


class FaceNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.generator = Encoder(), Generator()
        self.score_embed = nn.Embedding(SCORES, LATENT * LATENT_SIDE**2)
        self.position_emb = nn.Parameter(torch.zeros(LATENT_SIDE**2, DIM))
        self.feat_emb = nn.Linear(LATENT, DIM)
        self.ft_layers = nn.ModuleList([TransformerLayer() for _ in range(LAYERS)])
        self.idx_pred_layer = nn.Sequential(nn.LayerNorm(DIM), nn.Linear(DIM, 2 * CODES, bias=False))
        self.quantize, self.quantize_aesthetic = Codebook(), Codebook()  # common, HQ+
        channels_at = {str(SIDE >> level): channels for level, channels in enumerate(CHANNELS)}
        self.fuse_convs_dict = nn.ModuleDict({side: Fusion(channels_at[side]) for side in FUSIONS})

    def encode(self, image: Tensor, score: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """[N,3,512,512] -1..1 and [N] 0..1 -> latent with the score added [N,256,16,16], and what the fusions look at."""
        latent, seen = self.encoder(image)
        row = (score * SCORES).floor().long().clamp(0, SCORES - 1)
        return latent + self.score_embed(row).reshape(-1, LATENT, LATENT_SIDE, LATENT_SIDE), seen

    def predict(self, latent: Tensor) -> Tensor:
        """Latent -> logits of both codes [N, 256, 1024, 2] (HQ+, common); tokens row by row."""
        x = self.feat_emb(latent.flatten(2).transpose(1, 2))
        for layer in self.ft_layers:
            x = layer(x, self.position_emb)
        return self.idx_pred_layer(x).unflatten(-1, (CODES, 2))

    def decode(self, latent: Tensor, codes: Tensor, seen: dict[str, Tensor], fidelity: Tensor | None, alpha: Tensor | float) -> Tensor:
        """The picture that the codes and the latent's statistics give; `fidelity` None is 0 and costs nothing."""
        feature = self.quantize(codes[..., 1]) + alpha * self.quantize_aesthetic(codes[..., 0])
        after = {}
        if fidelity is not None:
            for side, (_, block) in FUSIONS.items():
                after[block] = lambda x, side=side: self.fuse_convs_dict[side](seen[side], x, fidelity)
        return self.generator(adapt(feature, latent), after)

    def forward(self, image: Tensor, score: Tensor, fidelity: Tensor | None = None, alpha: Tensor | float = ALPHA) -> tuple[Tensor, Tensor]:
        """[N,3,512,512] -1..1, [N] 0..1, [1] 0..1, [1] -> restored [N,3,512,512], not clamped, and codes [N,256,2] (HQ+, common)."""
        latent, seen = self.encode(image, score)
        codes = self.predict(latent).argmax(2)
        return self.decode(latent, codes, seen, fidelity, alpha), codes


def unfilled() -> FaceNetwork:
    """The network without memory for its weights: its names and shapes, or `load_state_dict(..., assign=True)`."""
    with torch.device("meta"):
        return FaceNetwork().eval().requires_grad_(False)


def with_weights(state: dict[str, Tensor]) -> FaceNetwork:
    """@raises ValueError naming the tensors that are missing, unknown or of another shape."""
    problems = layout_problems({name: tuple(tensor.shape) for name, tensor in state.items()})
    if problems:
        raise ValueError("\n".join(problems))
    network = unfilled()
    network.load_state_dict({name: tensor.float() for name, tensor in state.items()}, strict=True, assign=True)
    return network.requires_grad_(False)


def layout() -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor that the network holds."""
    return {name: tuple(tensor.shape) for name, tensor in unfilled().state_dict().items()}


def layout_problems(found: dict[str, tuple[int, ...]]) -> list[str]:
    """One sentence for each tensor that differs from the network's, in the order of names."""
    expected, problems = layout(), []
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            problems.append(f"{name}: expected shape {list(expected[name])} but found no such tensor")
        elif name not in expected:
            problems.append(f"{name}: expected no such tensor but found one of shape {list(found[name])}")
        elif tuple(found[name]) != expected[name]:
            problems.append(f"{name}: expected shape {list(expected[name])} but found {list(found[name])}")
    return problems


def multiplications() -> dict[str, float]:
    """10^9 multiplications a face by part; attention's products of two activations are left out."""
    network, counts = unfilled(), {}
    for part_name, part in network.named_children():
        for module in part.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):

                def count(module, _, out, part_name=part_name):
                    outputs = out.numel() / (out.shape[1] if isinstance(module, nn.Conv2d) else out.shape[-1])
                    counts[part_name] = counts.get(part_name, 0) + outputs * module.weight.numel() / 1e9

                module.register_forward_hook(count)
    with torch.device("meta"):
        network(torch.empty(1, 3, SIDE, SIDE), torch.empty(1), torch.empty(1))
    return counts


if __name__ == "__main__":
    size = sum(tensor.numel() for tensor in unfilled().state_dict().values())
    print(f"{size / 1e6:.2f} M parameters in {len(layout())} tensors")
    for name, billions in multiplications().items():
        print(f"{name:16s} {billions:6.1f} G multiplications a face")
