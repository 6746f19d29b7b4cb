"""Exports iqpir-photo to ONNX and proves that onnxruntime gives what PyTorch gives, at several sizes.

    python models/export_photo.py --checkpoint RUN/photo.pt --out models/onnx/iqpir-photo.onnx
    python models/export_photo.py --out /tmp/untrained.onnx            # the identity, before there is a checkpoint
    python models/export_photo.py --check models/onnx/iqpir-photo.onnx --checkpoint RUN/photo.pt --time

Inputs: `image` [N,3,H,W] RGB 0..1, H and W multiples of 32; `score` [N] 0..1; `fidelity` [1] 0..1.
Outputs: `restored` [N,3,H,W], about 0..1 (not clamped); `codes` [N,2,H/8,W/8] int64 (common, HQ+).
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from photo_network import PhotoNetwork

SIZES = ((1, 64, 96), (2, 160, 128), (1, 256, 320))  # batch, height, width


def load_network(checkpoint: Path | None) -> PhotoNetwork:
    """The averaged weights of train_photo.py's checkpoint; without one, the untrained network."""
    torch.manual_seed(0)
    network = PhotoNetwork()
    if checkpoint:
        network.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["average"])
    return network.eval().requires_grad_(False)  # with gradients, the codes' straight-through estimate would be exported, too


def example(batch: int, height: int, width: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    small = torch.rand(batch, 3, height // 8, width // 8, generator=draw)
    image = torch.nn.functional.interpolate(small, scale_factor=8.0, mode="bicubic").clamp(0, 1)
    return image, torch.linspace(0.4, 0.9, batch), torch.ones(1)


def export(network: PhotoNetwork, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    n, h, w = torch.export.Dim("n", min=1), torch.export.Dim("h", min=1), torch.export.Dim("w", min=1)
    program = torch.onnx.export(
        network,
        example(2, 96, 64),
        input_names=["image", "score", "fidelity"],
        output_names=["restored", "codes"],
        dynamic_shapes=({0: n, 2: 32 * h, 3: 32 * w}, {0: n}, None),
        opset_version=18,
        dynamo=True,
    )
    model = program.model_proto
    for value in (*model.graph.input, *model.graph.output):  # plain names for the sides; 32 * h says too much to some readers
        for axis, dimension in enumerate(value.type.tensor_type.shape.dim):
            if dimension.dim_param:
                dimension.dim_param = {0: "batch", 2: "height", 3: "width"}[axis] + ("" if value.name != "codes" or axis == 0 else "/8")
    del model.graph.value_info[:]
    for node in model.graph.node:  # exporter's notes name source files of the machine
        del node.metadata_props[:]
        node.doc_string = ""
    del model.metadata_props[:]
    onnx.checker.check_model(model)
    onnx.save(model, out)


def session(path: Path, threads: int = 2) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def check(network: PhotoNetwork, path: Path) -> dict[str, float]:
    """Largest difference of the restored picture and share of equal codes, over all SIZES. A code is an argmax: where two
    logits are nearly equal it may flip, and the pixels around it with it; those pictures are compared by their median."""
    run = session(path)
    differences, agreeing = [], []
    for batch, height, width in SIZES:
        inputs = example(batch, height, width, seed=height)
        with torch.inference_mode():
            restored, codes = network(*inputs)
        names = ("image", "score", "fidelity")
        other, other_codes = run.run(["restored", "codes"], {k: v.numpy() for k, v in zip(names, inputs)})
        same = codes.numpy() == other_codes
        agreeing.append(same.mean())
        difference = np.abs(restored.numpy() - other)
        differences.append(difference.max() if same.all() else np.quantile(difference, 0.99))
    return dict(difference=float(max(differences)), equal_codes=float(np.mean(agreeing)))


def seconds_per_megapixel(path: Path, side: int = 1024, repeats: int = 3) -> float:
    run, inputs = session(path), example(1, side, side)
    feed = {k: v.numpy() for k, v in zip(("image", "score", "fidelity"), inputs)}
    run.run(["restored"], feed)
    times = []
    for _ in range(repeats):
        began = time.time()
        run.run(["restored"], feed)
        times.append(time.time() - began)
    return min(times) / (side * side / 1e6)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--check", type=Path, help="compare this file instead of writing one")
    parser.add_argument("--time", action="store_true", help="also seconds per megapixel on 2 threads")
    arguments = parser.parse_args()

    network, path = load_network(arguments.checkpoint), arguments.check or arguments.out
    if not arguments.check:
        export(network, path)
    report = check(network, path) | dict(megabytes=round(path.stat().st_size / 1e6, 2))
    if arguments.time:
        report["seconds_per_megapixel"] = round(seconds_per_megapixel(path), 2)
    print(json.dumps(report))
    if report["difference"] > 1e-3 or report["equal_codes"] < 0.999:
        raise SystemExit("Expected the exported network to equal PyTorch's within 1e-3")
