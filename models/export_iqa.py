"""Writes `iqa-photo` as one ONNX file and proves that it computes what PyTorch computes.

    python export_iqa.py --checkpoint OUT/final.pt --onnx onnx/iqa-photo.onnx
    python export_iqa.py --smoke --onnx OUT/smoke.onnx              # untrained weights, 20 s

Input  `image`  float32 [N, 3, H, W], RGB 0..1; H and W multiples of 32 from 64 on; N, H, W free.
Output `score`  float32 [N], 0 (ruined) .. 1 (flawless);  `weight` float32 [N], what the crop counts when crops are pooled.
"""
import argparse
import hashlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

import iqa_network

OPSET = 17
TOLERANCE = 1e-3
SHAPES = [(1, 64, 64), (2, 256, 256), (3, 96, 320), (12, 128, 64)]


def fold_norms(network: iqa_network.QualityNetwork) -> None:
    """Multiplies the frozen BatchNorm scales into the weights, so that the graph carries plain convolutions."""
    for module in network.modules():
        if isinstance(module, iqa_network.FrozenNormConv):
            module.weight.data.mul_(module.scale)
            module.scale.fill_(1)


def test_images(shape: tuple[int, int, int]) -> np.ndarray:
    """float32 [N, 3, H, W] in 0..1: smooth structure with noise on some of it, fixed seed."""
    count, height, width = shape
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:height, 0:width] / 32
    waves = [np.sin(y * a + x * b + c) for a, b, c in rng.uniform(-3, 3, (count * 3, 3))]
    images = 0.5 + 0.3 * np.reshape(waves, (count, 3, height, width)) + rng.normal(0, 0.05, (count, 3, height, width))
    return np.clip(images, 0, 1).astype(np.float32)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--onnx", type=Path, required=True)
    parser.add_argument("--smoke", action="store_true")
    a = parser.parse_args()
    if a.smoke:
        network = iqa_network.pretrained().eval()
    elif a.checkpoint:
        network = iqa_network.load_checkpoint(a.checkpoint)
    else:
        parser.error("expected --checkpoint FILE or --smoke")
    reference = {shape: [output.detach().numpy() for output in network(torch.from_numpy(test_images(shape)))] for shape in SHAPES}
    fold_norms(network)
    a.onnx.parent.mkdir(parents=True, exist_ok=True)
    free = {0: "batch"}
    torch.onnx.export(
        network, (torch.from_numpy(test_images((2, 96, 128))),), str(a.onnx), opset_version=OPSET, dynamo=False,
        input_names=["image"], output_names=["score", "weight"],
        dynamic_axes={"image": {0: "batch", 2: "height", 3: "width"}, "score": free, "weight": free},
    )  # fmt: skip
    onnx.checker.check_model(str(a.onnx), full_check=True)
    session = onnxruntime.InferenceSession(str(a.onnx), providers=["CPUExecutionProvider"])
    for shape, expected in reference.items():
        found = session.run(["score", "weight"], {"image": test_images(shape)})
        apart = abs(found[0] - expected[0]).max()
        weight_apart = (abs(found[1] - expected[1]) / expected[1]).max()
        print(f"{shape}: score apart {apart:.1e}, weight apart {weight_apart:.1e} (relative)")
        if max(apart, weight_apart) > TOLERANCE:
            raise SystemExit(f"Expected parity within {TOLERANCE} but found {max(apart, weight_apart):.2e} at {shape}")
    content = a.onnx.read_bytes()
    print(f"{a.onnx.name}: {len(content) / 1e6:.2f} MB, sha256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
