"""Holds iqpir-face against outputs of the authors' network for synthetic weights: proof that it is the same network.

    python models/verify_golden.py models/golden/iqpir-golden.npz --layout models/golden/iqpir-checkpoint-layout.json \
        --weights-seed 20260331 --input-seed 20260332                  # three cases, some 15 s each on two cores
    ... --case 0                                                       # one of them
    ... --onnx FACE.onnx                                               # an exported file instead; only codes and picture

The file holds for each case i: `case{i}_params` (fidelity, score, alpha); `case{i}_codes` [256, 2] (HQ+, common), all of which
must be equal; `case{i}_latent` and `case{i}_restored`, every fourth row and column in fp16, which must lie within
|difference| <= 2e-3 + 1e-3 |value|. Prints the largest differences of each case; exits 1 where one does not hold.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from face_network import layout_problems, with_weights
from synthetic_face import read_layout, synthetic_image, synthetic_weights

ABSOLUTE, RELATIVE, STEP = 2e-3, 1e-3, 4
KINDS = ("codes", "latent", "restored")
Results = dict[str, np.ndarray]  # by kind: codes [256, 2], latent [256, 16, 16], restored [3, 512, 512]


def in_pytorch(weights: dict[str, torch.Tensor], image: torch.Tensor) -> Callable[[float, float, float], Results]:
    network = with_weights(weights)

    def run(fidelity: float, score: float, alpha: float) -> Results:
        with torch.inference_mode():
            latent, seen = network.encode(image, torch.tensor([score]))
            codes = network.predict(latent).argmax(2)
            restored = network.decode(latent, codes, seen, torch.tensor([fidelity]) if fidelity > 0 else None, torch.tensor([alpha]))
        return {"codes": codes[0].numpy(), "latent": latent[0].numpy(), "restored": restored[0].numpy()}

    return run


def in_onnxruntime(path: Path, image: torch.Tensor) -> Callable[[float, float, float], Results]:
    from export_face import feeds_of, session

    opened = session(path)

    def run(fidelity: float, score: float, alpha: float) -> Results:
        feeds = feeds_of(opened, image, torch.tensor([score]), torch.tensor([fidelity]), torch.tensor([alpha]))
        restored, codes = opened.run(["restored", "codes"], feeds)
        return {"codes": codes[0], "restored": restored[0]}

    return run


def differences(name: str, found: Results, golden: dict[str, np.ndarray]) -> tuple[list[str], bool]:
    """A line for each kind of result, and whether all of them hold."""
    lines, holds = [], True
    for kind, value in found.items():
        expected = golden.get(f"{name}_{kind}")
        value = value if kind == "codes" else value[:, ::STEP, ::STEP]
        if expected is None or expected.shape != value.shape:
            came = "none" if expected is None else f"shape {list(expected.shape)}"
            lines.append(f"  {kind:9s}expected {name}_{kind} of shape {list(value.shape)} in the file but found {came}: MISMATCH")
            holds = False
            continue
        if kind == "codes":
            equal = int((value == expected).sum())
            good, line = equal == value.size, f"{equal} of {value.size} equal"
        else:
            expected = expected.astype(np.float64)
            difference, allowed = np.abs(value - expected), ABSOLUTE + RELATIVE * np.abs(expected)
            good = bool((difference <= allowed).all())  # false too where a value is not a number
            line = f"largest difference {difference.max():.2e}, at most {(difference / allowed).max():.2f} of what is allowed"
        lines.append(f"  {kind:9s}{line}{'' if good else ': MISMATCH'}")
        holds = holds and good
    return lines, holds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help=".npz")
    parser.add_argument("--layout", type=Path, required=True, help="JSON: every tensor of the checkpoint by name and shape")
    parser.add_argument("--weights-seed", type=int, required=True)
    parser.add_argument("--input-seed", type=int, required=True)
    parser.add_argument("--case", type=int, action="append", help="only this one; may be given again")
    parser.add_argument("--onnx", type=Path, help="an export of these weights, with fidelity and alpha as inputs or fixed")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    with np.load(arguments.file) as file:
        golden = dict(file)
    there = sorted(int(found[1]) for name in golden if (found := re.fullmatch(r"case(\d+)_params", name)))
    wanted = arguments.case if arguments.case is not None else there
    if not wanted or set(wanted) - set(there):
        raise SystemExit(f"Expected cases {wanted or '0, 1, ...'} in {arguments.file} but found {there or 'none'}.")
    shapes = read_layout(arguments.layout)
    if problems := layout_problems(shapes):
        raise SystemExit(f"Expected the network's own names and shapes in {arguments.layout} but:\n" + "\n".join(problems))

    image = synthetic_image(arguments.input_seed)
    run = in_onnxruntime(arguments.onnx, image) if arguments.onnx else in_pytorch(synthetic_weights(shapes, arguments.weights_seed), image)
    mismatches = 0
    for case in wanted:
        name = f"case{case}"
        fidelity, score, alpha = (float(value) for value in golden[f"{name}_params"])
        began = time.time()
        found = run(fidelity, score, alpha)
        lines, holds = differences(name, found, golden)
        print(f"case {case}: fidelity {fidelity:g}, score {score:g}, alpha {alpha:g} ({time.time() - began:.1f} s)", *lines, sep="\n", flush=True)
        mismatches += not holds
    if mismatches:
        raise SystemExit(f"Expected every case to equal the golden file but {mismatches} of {len(wanted)} did not.")
    print(f"{len(wanted)} of {len(wanted)} cases equal the golden file")


if __name__ == "__main__":
    main()
