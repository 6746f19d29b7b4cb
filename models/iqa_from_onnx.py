"""Makes a checkpoint for train_iqa.py out of a shipped ONNX file, so that training can go on from what is shipped.

    python iqa_from_onnx.py --onnx onnx/iqa-photo.onnx --out IQA-START/final.pt           # 10 s
    python train_iqa.py --start IQA-START/final.pt ...

export_iqa.py multiplies the frozen BatchNorm scales into the convolutions, and the exporter then names those weights itself
(onnx::Conv_123) in the order in which the network calls them. The scales are constants of EfficientNet-lite0, so dividing by
them gives the trained weights back, but for rounding. Everything else kept its name.
"""
import argparse
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

import iqa_network
from export_iqa import SHAPES, test_images
from train_iqa import write

TOLERANCE = 1e-4


def unfold(path: Path) -> iqa_network.QualityNetwork:
    """The network whose export `path` is, with the scales apart from the weights again."""
    network = iqa_network.pretrained().eval()
    found = {tensor.name: torch.from_numpy(onnx.numpy_helper.to_array(tensor).copy()) for tensor in onnx.load(path).graph.initializer}
    # nn.Module lists its parts in the order of their making, which is also the order of the calls
    convolutions = [(name, module) for name, module in network.named_modules() if isinstance(module, iqa_network.FrozenNormConv)]
    folded = sorted((name for name in found if name.startswith("onnx::Conv_")), key=lambda name: int(name.split("_")[1]))
    if len(folded) != len(convolutions):
        raise ValueError(f"Expected {len(convolutions)} folded convolutions but found {len(folded)}: {path}")
    tensors = network.state_dict()  # its scales stay
    for name, (own, module) in zip(folded, convolutions):
        tensors[f"{own}.weight"] = found[name] / module.scale
    tensors |= {name: tensor for name, tensor in found.items() if name in tensors}
    network.load_state_dict(tensors)
    return network


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnx", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    a = parser.parse_args()
    network = unfold(a.onnx)
    session = onnxruntime.InferenceSession(str(a.onnx), providers=["CPUExecutionProvider"])
    for shape in SHAPES:
        images = test_images(shape)
        expected = session.run(["score", "weight"], {"image": images})
        with torch.no_grad():
            found = [output.numpy() for output in network(torch.from_numpy(images))]
        apart, weight_apart = abs(found[0] - expected[0]).max(), (abs(found[1] - expected[1]) / np.abs(expected[1])).max()
        print(f"{shape}: score apart {apart:.1e}, weight apart {weight_apart:.1e} (relative)")
        if max(apart, weight_apart) > TOLERANCE:
            raise SystemExit(f"Expected parity within {TOLERANCE} but found {max(apart, weight_apart):.2e} at {shape}")
    a.out.parent.mkdir(parents=True, exist_ok=True)
    write(a.out, {"network": network.state_dict(), "step": 0, "minutes": 0.0})


if __name__ == "__main__":
    main()
