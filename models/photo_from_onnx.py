"""Makes a checkpoint as train_photo.py writes it out of a shipped ONNX file, for over_optimise.py and to train on from.

    python models/photo_from_onnx.py --onnx models/onnx/iqpir-photo.onnx --out RUN/photo.pt           # 5 s

The exporter turns the matrices of linear layers and names them itself (val_123), in the order in which the network calls them.
Everything else kept its name. The optimiser's state and stage I's encoder are in no ONNX file.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import onnx
import onnxruntime
import torch
from torch import nn

from export_photo import SIZES, example
from photo_network import PhotoNetwork

TOLERANCE = 1e-4


def unfold(path: Path) -> PhotoNetwork:
    """The network whose export `path` is."""
    network = PhotoNetwork().eval()
    found = {tensor.name: torch.from_numpy(onnx.numpy_helper.to_array(tensor).copy()) for tensor in onnx.load(path).graph.initializer}
    # nn.Module lists its parts in the order of their making, which is also the order of the calls
    linear = [f"{name}.weight" for name, module in network.named_modules() if isinstance(module, nn.Linear)]
    turned = sorted((name for name in found if name.startswith("val_") and found[name].dim() == 2), key=lambda name: int(name[4:]))
    if len(turned) != len(linear):
        raise ValueError(f"Expected the matrices of {len(linear)} linear layers but found {len(turned)}: {path}")
    tensors = network.state_dict()
    for name, own in zip(turned, linear):
        tensors[own] = found[name].T.contiguous()
    for own in tensors:  # files from before the method was a module of its own have no "prior."
        name = own if own in found else own.removeprefix("prior.")
        if name in found:
            tensors[own] = found[name]
        elif own not in linear:
            raise ValueError(f"Expected a tensor {own} but found none: {path}")
    network.load_state_dict(tensors)
    return network


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnx", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    network = unfold(arguments.onnx)
    session = onnxruntime.InferenceSession(str(arguments.onnx), providers=["CPUExecutionProvider"])
    for size in SIZES:
        inputs = example(*size)
        with torch.no_grad():
            restored, codes = network(*inputs)
        names = ("image", "score", "fidelity")
        expected = session.run(["restored", "codes"], {name: part.numpy() for name, part in zip(names, inputs)})
        apart, same = abs(restored.numpy() - expected[0]).max(), (codes.numpy() == expected[1]).mean()
        print(f"{size}: restored apart {apart:.1e}, codes equal {same:.4f}")
        if apart > TOLERANCE:
            raise SystemExit(f"Expected parity within {TOLERANCE} but found {apart:.1e} at {size}")
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    tensors = network.state_dict()
    torch.save(dict(network=tensors, average=tensors, iteration=0, trained=0.0, processor=0.0), arguments.out)


if __name__ == "__main__":
    main()
