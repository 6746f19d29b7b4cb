"""Seconds a face: PyTorch eager fp32, and onnxruntime in Python, with the same weights, picture and threads, in one run.

    python models/export_face.py --out /tmp/face.onnx --fidelity 0 --alpha 0.8        # synthetic weights: speed needs no others
    python models/bench_face.py /tmp/face.onnx [MORE.onnx ...] --threads 2

The runs take turns, so that a machine's bad minute hits both; the fastest counts. Prints one line of JSON: seconds, and each
file's share of PyTorch's. Figures to quote need a machine that does nothing else. `npm run bench -- face` measures the Node binding,
which the product uses, against the same PyTorch.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from export_face import feeds_of, session
from synthetic_face import synthetic_image, synthetic_network

FIDELITY, SCORE, ALPHA = torch.zeros(1), torch.full((1,), 0.9), torch.full((1,), 0.8)


def in_pytorch(image: torch.Tensor) -> Callable[[], None]:
    network = synthetic_network()

    def run() -> None:
        with torch.inference_mode():
            network(image, SCORE, None, ALPHA)

    return run


def in_onnxruntime(path: Path, image: torch.Tensor, threads: int) -> Callable[[], None]:
    opened = session(path, threads)
    feeds = feeds_of(opened, image, SCORE, FIDELITY, ALPHA)
    return lambda: opened.run(["restored"], feeds)


def timed(run: Callable[[], None]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="*", help="exported files; none measures PyTorch alone")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3, help="after one run that warms up")
    parser.add_argument("--without-pytorch", action="store_true")
    parser.add_argument("--when-asked", action="store_true", help="PyTorch alone: a face for every line on stdin, its seconds on stdout")
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    image = synthetic_image()
    if arguments.when_asked:
        run = in_pytorch(image)
        for _ in sys.stdin:
            print(timed(run), flush=True)
        sys.exit()
    runs = {} if arguments.without_pytorch else {"pytorch": in_pytorch(image)}
    runs |= {path.name: in_onnxruntime(path, image, arguments.threads) for path in arguments.files}
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for repeat in range(arguments.repeats + 1):
        for name, run in runs.items():
            spent = timed(run)
            if repeat:
                seconds[name].append(spent)
    best = {name: round(min(times), 3) for name, times in seconds.items()}
    report: dict = {"threads": arguments.threads, "repeats": arguments.repeats, "seconds": best}
    if "pytorch" in best:
        report["of_pytorch"] = {name: round(value / best["pytorch"], 3) for name, value in best.items() if name != "pytorch"}
    print(json.dumps(report))
