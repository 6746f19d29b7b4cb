"""Smaller and faster versions of an exported iqpir-face, and what they cost: codes kept, PSNR, seconds, bytes.

    python models/export_face.py --out /tmp/face.onnx --fidelity 0 --alpha 0.8
    python models/face_variants.py /tmp/face.onnx --out /tmp/variants            # all of them; --only fp16-stored for one

- fp16-stored: weights kept in half precision and widened when the file is loaded; computes in fp32.
- fp16: computes in half precision, norms excepted; for GPUs, a CPU has no such convolutions.
- int8-generator: the generator's convolutions in 8 bits. It comes after the codes, which therefore stay as they are.
- int8-all: every convolution in 8 bits, the encoder's too.
- int8-transformer: the linear layers in 8 bits, scaled at run time (dynamic): 1 % of the multiplications, 22 % of the bytes.

A variant is worth keeping where at least 99 % of the codes stay and it is smaller or faster for it. Ranges for 8 bits are taken
from, and everything is compared on, drawn pictures: with the authors' weights and faces the figures will be others.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import quantization

from export_face import example, feeds_of, session

LARGE = 1024  # values; what is smaller is not worth a node
NORMS = ["InstanceNormalization", "LayerNormalization", "ReduceMean", "ReduceSum", "Sqrt", "Reciprocal", "Pow", "Softmax", "ArgMax", "Gather"]


def feeds(opened, seed: int) -> dict[str, np.ndarray]:
    image, _ = example(1, seed)
    return feeds_of(opened, image, torch.tensor([0.9]), torch.zeros(1), torch.tensor([0.8]))


def fp16_stored(source: Path, out: Path) -> None:
    model = onnx.load(source)
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and math.prod(tensor.dims) >= LARGE:
            name, half = tensor.name, numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
            casts.append(helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, out)


def fp16(source: Path, out: Path) -> None:
    from onnxruntime.transformers.float16 import convert_float_to_float16

    onnx.save(convert_float_to_float16(onnx.load(source), keep_io_types=True, op_block_list=NORMS), out)


class Calibration(quantization.CalibrationDataReader):
    def __init__(self, inputs: list[dict[str, np.ndarray]]):
        self.left = list(inputs)

    def get_next(self):
        return self.left.pop() if self.left else None


def int8(source: Path, out: Path, inputs: list[dict], part: str = "", kinds: tuple[str, ...] = ("Conv",)) -> None:
    """Nodes of these kinds whose weights' name holds `part`, with ranges as large as the inputs ask for."""
    graph = onnx.load(source, load_external_data=False).graph
    nodes = [node.name for node in graph.node if node.op_type in kinds and part in node.input[1]]
    if not nodes:  # an empty list would mean all of them
        raise ValueError(f"Expected {' or '.join(kinds)} with weights named {part} in {source} but found none")
    quantization.quantize_static(
        str(source),
        str(out),
        Calibration(inputs),
        quant_format=quantization.QuantFormat.QDQ,
        nodes_to_quantize=nodes,
        op_types_to_quantize=list(kinds),
        per_channel=True,
        reduce_range=True,  # without VNNI sums of two products saturate at 16 bits
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
    )


def int8_drawn(source: Path, out: Path, part: str) -> None:
    opened = session(source, 1)
    int8(source, out, [feeds(opened, seed) for seed in (100, 101)], part)


def int8_transformer(source: Path, out: Path) -> None:
    quantization.quantize_dynamic(str(source), str(out), op_types_to_quantize=["MatMul", "Gemm"], per_channel=True, reduce_range=True)


VARIANTS = {
    "fp16-stored": fp16_stored,
    "fp16": fp16,
    "int8-generator": lambda source, out: int8_drawn(source, out, "generator"),
    "int8-all": lambda source, out: int8_drawn(source, out, ""),
    "int8-transformer": int8_transformer,
}


def psnr(expected: np.ndarray, found: np.ndarray, span: float | None = None) -> float:
    """dB, against the range of the expected picture where no span is given: drawn weights do not stay within -1..1."""
    error = float(np.mean((expected.astype(np.float64) - found) ** 2))
    return math.inf if error == 0 else 20 * math.log10(span or float(np.ptp(expected))) - 10 * math.log10(error)


def timed(opened, names: list[str], feed: dict[str, np.ndarray]) -> tuple[list[np.ndarray], float, float]:
    """Outputs, seconds, and processor seconds of all threads: what a busy machine does not stretch so much."""
    began, spent = time.perf_counter(), time.process_time()
    found = opened.run(names, feed)
    return found, time.perf_counter() - began, time.process_time() - spent


def compared(source: Path, variant: Path, faces: int, threads: int) -> dict:
    """Each face through both files in turn; seconds are each file's fastest, after one run that warms up."""
    opened = [session(path, threads) for path in (source, variant)]
    equal, decibels, seconds = [], [], ([], [])
    for seed in range(faces):
        results = []
        for file, times in zip(opened, seconds):
            found, passed, _ = timed(file, ["restored", "codes"], feeds(file, seed))
            results.append(found)
            times.append(passed)
        (restored, codes), (other, other_codes) = results
        equal.append((codes == other_codes).mean())
        decibels.append(psnr(restored, other))
    return {
        "megabytes": round(variant.stat().st_size / 1e6, 1),
        "equal_codes": round(float(np.mean(equal)), 4),
        "psnr": round(float(np.min(decibels)), 1),
        "seconds": round(min(seconds[1][1:]), 2),
        "seconds_fp32": round(min(seconds[0][1:]), 2),
        "threads": threads,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="fp32, from export_face.py")
    parser.add_argument("--out", type=Path, required=True, help="folder")
    parser.add_argument("--only", choices=VARIANTS, action="append")
    parser.add_argument("--faces", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()

    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.only or VARIANTS:
        path = arguments.out / f"{arguments.source.stem}-{name}.onnx"
        VARIANTS[name](arguments.source, path)
        print(json.dumps({"variant": name, **compared(arguments.source, path, arguments.faces, arguments.threads)}), flush=True)
