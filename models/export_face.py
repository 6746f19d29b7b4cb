"""Exports iqpir-face to ONNX and proves that onnxruntime gives what PyTorch gives, one face at a time and four.

    python models/export_face.py --checkpoint net_g.pth --out iqpir-face.onnx --fidelity 0 --alpha 0.8    # as import_iqpir.py does
    python models/export_face.py --checkpoint net_g.pth --out iqpir-face.onnx        # both as inputs
    python models/export_face.py --out /tmp/synthetic.onnx                           # synthetic weights, no checkpoint needed

Inputs: `image` [N,3,512,512] RGB -1..1; `score` [N] 0..1; and unless fixed `fidelity` [1] 0..1, `alpha` [1] 0..1.
Outputs: `restored` [N,3,512,512], about -1..1 (not clamped); `codes` [N,256,2] int64 (HQ+, common), row by row.

Two things differ from the network in PyTorch, neither in what is computed:
- an enlargement followed by a convolution of 3 x 3 is four convolutions of 2 x 2 before the enlargement: 4 / 9 of the work;
- the fusions, three eighths of the work, are left out where fidelity is 0: by a branch in the file, or for good with --fidelity 0.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from face_layers import Fusion, Up
from face_network import FUSIONS, FaceNetwork, with_weights
from synthetic_face import synthetic_image, synthetic_network

OPSET = 18
BATCHES = (1, 4)
ABSOLUTE, RELATIVE = 1e-3, 1e-3  # |difference| <= ABSOLUTE + RELATIVE * |value|


class FoldedUp(nn.Module):
    """What Up computes, without convolving pixels that are copies of each other.

    Of the four pixels that one becomes, the upper two see the row above once and their own row twice, the lower two their own
    row twice and the row below once; columns alike. So each of the four is a convolution of 2 x 2 with sums of Up's weights."""

    def __init__(self, up: Up):
        super().__init__()
        self.corners, self.bias = nn.ParameterList(), up.conv.bias
        for rows in self.halves(up.conv.weight.double(), 2):
            self.corners.extend(nn.Parameter(part.float(), requires_grad=False) for part in self.halves(rows, 3))

    @staticmethod
    def halves(weight: Tensor, axis: int) -> tuple[Tensor, Tensor]:
        first, middle, last = weight.split(1, axis)
        return torch.cat((first, middle + last), axis), torch.cat((first + middle, last), axis)

    def forward(self, x: Tensor) -> Tensor:
        parts = [
            F.conv2d(F.pad(x, (1 - right, right, 1 - lower, lower)), corner, self.bias)
            for corner, (lower, right) in zip(self.corners, ((0, 0), (0, 1), (1, 0), (1, 1)))
        ]
        return F.pixel_shuffle(torch.stack(parts, 2).flatten(1, 2), 2)


class BranchingFusion(nn.Module):
    """A Fusion that is computed only where fidelity is above 0."""

    def __init__(self, fusion: Fusion):
        super().__init__()
        self.fusion = fusion

    def forward(self, seen: Tensor, decoded: Tensor, fidelity: Tensor) -> Tensor:
        def fused(seen: Tensor, decoded: Tensor, fidelity: Tensor) -> Tensor:
            return self.fusion(seen, decoded, fidelity)

        def left(seen: Tensor, decoded: Tensor, fidelity: Tensor) -> Tensor:
            return decoded.clone()

        return torch.cond(fidelity.max() > 0, fused, left, (seen, decoded, fidelity))


class Exported(nn.Module):
    """The network with the signature of the file: `fidelity` and `alpha` are inputs where they are not fixed."""

    def __init__(self, network: FaceNetwork, fidelity: float | None, alpha: float | None):
        super().__init__()
        # A network of its own, whose tensors are the given one's.
        self.network, self.fidelity, self.alpha = with_weights(network.state_dict()), fidelity, alpha
        blocks = self.network.generator.blocks
        for number, block in enumerate(blocks):
            if isinstance(block, Up):
                blocks[number] = FoldedUp(block)
        if fidelity is None:
            for side in FUSIONS:
                self.network.fuse_convs_dict[side] = BranchingFusion(self.network.fuse_convs_dict[side])

    @property
    def input_names(self) -> list[str]:
        free = [name for name, value in (("fidelity", self.fidelity), ("alpha", self.alpha)) if value is None]
        return ["image", "score", *free]

    def forward(self, image: Tensor, score: Tensor, third: Tensor | None = None, fourth: Tensor | None = None) -> tuple[Tensor, Tensor]:
        given = dict(zip(self.input_names[2:], (third, fourth)))
        fidelity, alpha = given.get("fidelity"), given.get("alpha", self.alpha)
        if self.fidelity:
            fidelity = torch.tensor([self.fidelity])
        return self.network(image, score, fidelity, alpha)


def example(batch: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Faces of no one, with scores spread over the table's rows."""
    return synthetic_image(seed, batch), torch.linspace(0.95, 0.15, batch)


def export(network: FaceNetwork, out: Path, fidelity: float | None = None, alpha: float | None = None) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    wrapped = Exported(network, fidelity, alpha).eval()
    free = tuple(torch.ones(1) for _ in wrapped.input_names[2:])
    n = torch.export.Dim("batch", min=1)
    program = torch.onnx.export(
        wrapped,
        (*example(2), *free),
        input_names=wrapped.input_names,
        output_names=["restored", "codes"],
        dynamic_shapes=({0: n}, {0: n}, *(None for _ in free)),
        opset_version=OPSET,
        dynamo=True,
        verbose=False,
    )
    model = program.model_proto
    strip_notes(model)
    onnx.save(model, out)
    onnx.checker.check_model(str(out))


def strip_notes(model: onnx.ModelProto) -> None:
    """Takes out what the exporter says of itself: names of source files of the machine, and shapes that readers infer again."""

    def strip(graph: onnx.GraphProto) -> None:
        del graph.value_info[:], graph.metadata_props[:]
        for node in graph.node:
            del node.metadata_props[:]
            node.doc_string = ""
            for attribute in node.attribute:
                if attribute.type == onnx.AttributeProto.GRAPH:
                    strip(attribute.g)

    strip(model.graph)
    del model.metadata_props[:]
    for function in model.functions:
        for node in function.node:
            del node.metadata_props[:]


def session(path: Path, threads: int = 2) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # as the product runs it
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def feeds_of(opened: onnxruntime.InferenceSession, image: Tensor, score: Tensor, fidelity: Tensor, alpha: Tensor) -> dict[str, np.ndarray]:
    """What of these the file has inputs for."""
    values = {"image": image, "score": score, "fidelity": fidelity, "alpha": alpha}
    return {tensor.name: values[tensor.name].numpy() for tensor in opened.get_inputs()}


def parity(network: FaceNetwork, path: Path, fidelity: float, alpha: float, batches: tuple[int, ...] = BATCHES, threads: int = 2) -> dict:
    """Largest difference, the same as share of what is allowed, and share of equal codes, over all batches.

    PyTorch computes the faces one by one, which also shows that faces of one batch do not mix, and needs a gigabyte or so."""
    image, score = example(max(batches))
    given = torch.tensor([fidelity]), torch.tensor([alpha])
    with torch.inference_mode():
        singly = [network(image[i : i + 1], score[i : i + 1], given[0] if fidelity > 0 else None, given[1]) for i in range(len(image))]
    restored, codes = (torch.cat(parts).numpy() for parts in zip(*singly))
    opened, worst, share, equal = session(path, threads), [], [], []
    for n in batches:
        other, other_codes = opened.run(["restored", "codes"], feeds_of(opened, image[:n], score[:n], *given))
        difference = np.abs(restored[:n] - other)
        worst.append(difference.max())
        share.append((difference / (ABSOLUTE + RELATIVE * np.abs(restored[:n]))).max())
        equal.append((codes[:n] == other_codes).mean())
    return dict(
        batches=list(batches),
        fidelity=fidelity,
        difference=float(np.max(worst)),
        of_allowed=float(np.max(share)),
        equal_codes=float(np.min(equal)),
    )


def holds(report: dict) -> bool:
    return report["of_allowed"] <= 1 and report["equal_codes"] == 1  # false where something is not a number


def read_checkpoint(path: Path | None) -> FaceNetwork:
    if path is None:
        return synthetic_network()
    return with_weights(torch.load(path, map_location="cpu", weights_only=True)["params_ema"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, help="the authors' file; synthetic weights without it")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--fidelity", type=float, help="fixed at this value; an input without it")
    parser.add_argument("--alpha", type=float, help="fixed at this value; an input without it")
    parser.add_argument("--check", action="store_true", help="compare the file that is there, write none")
    parser.add_argument("--batch", type=int, action="append", help="compared: this many faces at once; may be given again (1 and 4)")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    network = read_checkpoint(arguments.checkpoint)
    if not arguments.check:
        export(network, arguments.out, arguments.fidelity, arguments.alpha)
    print(json.dumps(dict(megabytes=round(arguments.out.stat().st_size / 1e6, 2))), flush=True)
    alpha = 0.8 if arguments.alpha is None else arguments.alpha
    batches, failed = tuple(arguments.batch or BATCHES), False
    for fidelity in (0.0, 1.0) if arguments.fidelity is None else (arguments.fidelity,):
        report = parity(network, arguments.out, fidelity, alpha, batches, arguments.threads)
        print(json.dumps(report), flush=True)
        failed = failed or not holds(report)
    if failed:
        raise SystemExit(f"Expected the file to equal PyTorch's network within {ABSOLUTE} + {RELATIVE} |value| and in every code.")
