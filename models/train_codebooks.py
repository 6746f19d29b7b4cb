r"""Stage I of iqpir-photo: both codebooks, learned by autoencoding targets of every quality.

    OMP_NUM_THREADS=1 python models/train_codebooks.py --photos DATA/photos-train --scores scores.npz --out RUN --minutes 6 --bf16   # shipped
    python models/train_codebooks.py --photos DATA/photos-train --scores scores.npz --out RUN --minutes 0.75 \
        --device cuda --workers 14 --crop 128 --batch 64                                      # one GPU beside 16 cores
    python models/train_codebooks.py --photos DATA/photos-train --out /tmp/smoke --smoke      # a minute on 2 cores

Encoder -> nearest common code, and for targets scored above the threshold the nearest HQ+ code of what the common code left
over -> decoder without fusion -> colours. L1 + 0.1 x feature distance + 0.25 x commitment, and over the second half of the
time 0.01 x adversarial. Codes follow their members by exponential average (.98); a code that nothing chose for long is moved
onto a random latent of the batch.
Differs from arXiv 2603.29773: HQ+ quantises the remainder, not the latent itself; photographs, not faces; minutes.
Writes RUN/codebooks.pt and RUN/codebooks.jsonl (usage of both books as perplexity), resumes where they are.
"""

from __future__ import annotations

import argparse
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from discriminator import Discriminator
from perceptual import FeatureDistance
from photo_network import ALPHA, CODES, LATENT, WIDTHS, Codebook, Decoder, Encoder, hq_gate
from photo_run import Run, deadline
from photo_samples import Targets, batches


class Learner(nn.Module):
    """Keeps a codebook's running member counts and sums: entries = sums / counts."""

    def __init__(self, book: Codebook):
        super().__init__()
        self.book = book
        self.register_buffer("counts", torch.zeros(CODES))
        self.register_buffer("sums", torch.zeros(CODES, LATENT))

    @torch.no_grad()
    def update(self, tokens: Tensor, codes: Tensor, decay: float = 0.98, fewest: float = 0.3) -> None:
        if len(tokens) == 0:
            return
        chosen = torch.bincount(codes, minlength=CODES).float()
        total = torch.zeros_like(self.sums).index_add_(0, codes, tokens)
        self.counts.lerp_(chosen, 1 - decay)
        self.sums.lerp_(total, 1 - decay)
        self.book.entries.copy_(self.sums / self.counts.clamp(min=1e-3)[:, None])
        dead = (self.counts < fewest).nonzero()[:, 0]
        if len(dead):  # also how the very first batch fills the book
            fresh = tokens[torch.randint(len(tokens), (len(dead),))].float()
            self.book.entries[dead], self.counts[dead] = fresh, 2 * fewest
            self.sums[dead] = fresh * 2 * fewest

    def perplexity(self) -> float:
        share = self.counts / self.counts.sum().clamp(min=1e-6)
        return float((-(share * (share + 1e-9).log()).sum()).exp())


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = Encoder(), Decoder()
        self.common, self.hqplus = Codebook(), Codebook()
        self.learn_common, self.learn_hqplus = Learner(self.common), Learner(self.hqplus)
        self.colours = nn.Conv2d(WIDTHS[0], 12, 3, padding=1)

    def codes(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[N,3,H,W] -> latent [N,h,w,LATENT] and the codes of both books, each [N,h,w]."""
        latent = self.encoder(image)[2].permute(0, 2, 3, 1).float()  # halves would blur which code is nearest
        tokens = latent.reshape(-1, LATENT)
        with torch.autocast(image.device.type, enabled=False):
            common = self.common.nearest(tokens)
            hqplus = self.hqplus.nearest((tokens - self.common.entries[common]) / ALPHA)
        return latent, common.view(latent.shape[:3]), hqplus.view(latent.shape[:3])

    def forward(self, image: Tensor, score: Tensor) -> tuple[Tensor, Tensor]:
        latent, common, hqplus = self.codes(image)
        gate = hq_gate(score)[:, None, None, None]
        quantised = self.common.entries[common] + ALPHA * gate * self.hqplus.entries[hqplus]
        commitment = F.mse_loss(latent, quantised)
        if self.training:
            flat, on = latent.detach().reshape(-1, LATENT), (hq_gate(score) > 0.5)[:, None, None].expand(common.shape).reshape(-1)
            rest = (flat - self.common.entries[common.reshape(-1)]) / ALPHA
            self.learn_common.update(flat, common.reshape(-1))
            self.learn_hqplus.update(rest[on], hqplus.reshape(-1)[on])
        quantised = latent + (quantised - latent).detach()
        x = self.decoder(quantised.permute(0, 3, 1, 2))
        return F.pixel_shuffle(self.colours(x), 2) + 0.5, commitment


def load_autoencoder(path: Path) -> Autoencoder:
    """The averaged weights of a stage I checkpoint with its codebooks as they were last, frozen."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    network = Autoencoder()
    books = {name: tensor for name, tensor in state["network"].items() if "entries" in name}
    network.load_state_dict({**state["average"], **books})
    return network.requires_grad_(False).eval()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--scores", type=Path, help="from photo_samples.py; without it clean targets count as good, others not")
    parser.add_argument("--until", help="HH:MM at which training ends")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--crop", type=int, default=96)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bf16", action="store_true", help="half precision on a CPU, too: twice as fast where it has avx512_bf16 or amx_bf16")
    parser.add_argument("--workers", type=int, default=0, help="processes that make crops, for a GPU")
    parser.add_argument("--smoke", action="store_true", help="20 photographs, half a minute")
    arguments = parser.parse_args()

    torch.manual_seed(1)
    torch.set_flush_denormal(True)
    device = arguments.device
    targets = Targets(arguments.photos, arguments.scores, limit=20 if arguments.smoke else None)
    made = batches(targets, arguments.crop, arguments.batch, 1, damaged=False, workers=arguments.workers, device=device)
    first = next(made)  # the processes are forked here, before CUDA is used
    network = Autoencoder().to(device, memory_format=torch.channels_last).train()
    distance, discriminator = FeatureDistance().to(device), Discriminator().to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=arguments.rate, weight_decay=0.01, betas=(0.9, 0.98))
    rival = torch.optim.AdamW(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.99))
    until = deadline(arguments.until, 0.5 if arguments.smoke else arguments.minutes)
    run = Run(arguments.out, "codebooks", network, optimizer, until, arguments.rate)
    for _, target, score in chain([first], made):
        with torch.autocast(device, torch.bfloat16, enabled=device != "cpu" or arguments.bf16):
            colours, commitment = network(target, score)
            colours.register_hook(lambda g: g.contiguous(memory_format=torch.channels_last))
            error = (colours - target).abs().mean()
            loss, losses = error + 0.25 * commitment, dict(l1=error, commitment=commitment)
            if run.iteration % 2 == 0:
                feature = distance(colours[:4], target[:4]).mean()
                loss, losses["feature"] = loss + 0.1 * feature, feature
            elif run.progress > 0.5:
                losses["told_apart"] = discriminator.loss(colours, target)
                rival.zero_grad()
                losses["told_apart"].backward()
                rival.step()
                loss = loss - 0.01 * discriminator(colours).mean()
        loss.backward()
        if run.iteration % 50 == 0:
            losses |= dict(common=network.learn_common.perplexity(), hqplus=network.learn_hqplus.perplexity())
        if not run.step(losses):
            break
    run.save()
    run.log(finished=True, processor_hours=round(run.processor / 3600, 3))
