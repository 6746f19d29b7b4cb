"""Makes a model of the authors' checkpoint of IQPIR: checked, exported, compared, described by a card.

    python models/import_iqpir.py net_g.pth --out MODELS --accept-non-commercial

The checkpoint is not ours to give: the repository of "Beyond Ground-Truth: Leveraging Image Quality Priors for Real-World Image
Restoration" (arXiv 2603.29773) links to it, under the S-Lab licence 1.0, for non-commercial use. Nothing here sends it anywhere.

Writes MODELS/iqpir-face.onnx and its card in MODELS/registry.json, beside the cards that are there; both only after everything
held. `iqpir models import-iqpir` runs this program. Exit codes: 0 imported, 1 the file is not that checkpoint or its export does
not compute the same, 2 wrong use, the licence not accepted among it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import pickle
import re
import sys
import tempfile
import zipfile
from pathlib import Path

CARD_ID, FILE, PLACE = "iqpir-face", "iqpir-face.onnx", "params_ema"
LICENCE = """Expected --accept-non-commercial.
The weights of IQPIR are published under the S-Lab licence 1.0: they may be used, changed and passed on for non-commercial
purposes only, with the licence's text; any commercial use needs the authors' permission first. What is made of them here, the
ONNX file, is under the same licence, and so may be your use of the pictures that it restores. Read it where you got the
checkpoint; if you accept it, run the command again with --accept-non-commercial."""


FACE = {
    "template": "ffhq-512",
    "largestEnlargement": 8,
    "smallestEnlargement": 0.25,
    "detectionScore": 0.8,
    "misfit": 0.045,
    "consistency": 0.93,
    "calibration": "Set without the weights, which are not published with this software. largestEnlargement: there the eyes lie 16 px apart; the network was trained on faces shrunk up to 30 times, but what it makes of less is hardly the person. smallestEnlargement: of a face shrunk further the network sees less than a sixteenth of the pixels, and what it mends is not what one looks at; finer detail is the photograph's own, for only the change is pasted. detectionScore: at it BlazeFace and YuNet each took 2 things in 1,162 photographs for faces, and all of 244 portraits. misfit: by the template's own geometry what a head turned by some 45 degrees shows; reckoned, not measured. Heads that look into the camera stay below it: 61 portraits as they are and at four damages and sizes, found by BlazeFace and YuNet 573 times of 610, came to .025 at most. consistency: of 94 people on whom the measure was not thought out, damaged at three levels and three sizes, the clean original lay below it in 0.4 % of 752 cases and somebody else's face above it in 1.4 % of 2,256 (models/results/face-identity.json; by the hardest damage of the smallest faces 3 and 5 %); where this network's own faces lie has not been measured.",
}
DECISION = {
    "assess": "iqa-photo",
    "good": 0.65,
    "margin": 0.0,
    "calibration": "Those of iqpir-photo, calibrated on whole photographs; not on faces that this network restored, whose weights are not published with this software.",
}


class Refused(Exception):
    """Says what was expected, what came and what to do."""


def read_tensors(path: Path) -> dict:
    """The tensors of a checkpoint by name; executes nothing that the file holds."""
    if not path.is_file():
        raise Refused(f"Expected a checkpoint at {path} but there is no such file.")
    import torch

    size, again = path.stat().st_size, "Download it again."
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True, mmap=False)
    except pickle.UnpicklingError as error:  # its text advises to load the file without protection: not passed on
        foreign = re.search(r"Unsupported global: GLOBAL (\S+)", str(error))
        what = f"it holds {foreign[1]}, which loading would execute" if foreign else f"its {size} bytes are none"
        raise Refused(f"Expected a checkpoint of tensors alone in {path} but {what}. {again}") from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        said = (str(error) or type(error).__name__).split(". ")[0].splitlines()[0]
        raise Refused(f"Expected a whole PyTorch checkpoint in {path} but its {size} bytes are cut short or damaged: {said}. {again}") from error
    if not isinstance(checkpoint, dict) or not isinstance(checkpoint.get(PLACE), dict):
        holds = ", ".join(map(str, list(checkpoint)[:8])) if isinstance(checkpoint, dict) else type(checkpoint).__name__
        raise Refused(f'Expected the averaged weights under "{PLACE}" in {path} but found {holds or "nothing"}. Take the file net_g_*.pth of stage II.')
    return checkpoint[PLACE]


def check_tensors(tensors: dict, path: Path) -> None:
    """@raises Refused naming every tensor that is missing, unknown, of another shape or kind, or holds no numbers."""
    import torch

    from face_network import layout, layout_problems

    expected, problems, shapes = layout(), [], {}
    for name, tensor in ((str(name), tensor) for name, tensor in tensors.items()):
        if not isinstance(tensor, torch.Tensor):
            problems.append(f"{name}: expected a tensor but found {type(tensor).__name__}")
            shapes[name] = expected.get(name, ())
            continue
        shapes[name] = tuple(tensor.shape)
        if name not in expected or shapes[name] != expected[name]:
            continue
        if not tensor.is_floating_point():
            problems.append(f"{name}: expected floating point numbers but found {str(tensor.dtype).removeprefix('torch.')}")
        elif not torch.isfinite(tensor).all():
            problems.append(f"{name}: expected finite numbers but {int((~torch.isfinite(tensor)).sum())} of {tensor.numel()} are not")
    problems += layout_problems(shapes)
    if problems:
        shown = problems if len(problems) <= 12 else [*problems[:10], f"and {len(problems) - 10} more"]
        lines = "\n".join(f"  {problem}" for problem in shown)
        raise Refused(f"Expected the {len(expected)} tensors of IQPIR's network in {path} but:\n{lines}\nTake the file net_g_*.pth of stage II, unchanged.")


def card(model: Path, checkpoint: Path, alpha: float, report: dict) -> dict:
    """What functions/lib/contracts/model-card.ts asks for."""
    face, unit = ["N", 3, 512, 512], [0, 1]
    return {
        "version": 1,
        "id": CARD_ID,
        "modelVersion": "1.0.0",
        "title": "Restores aligned faces of 512 x 512 px: the published IQPIR network",
        "task": "restore-face",
        "file": FILE,
        "sha256": sha256(model),
        "bytes": model.stat().st_size,
        "precision": "fp32",
        "inputs": [
            {"name": "image", "role": "image", "type": "float32", "shape": face, "range": [-1, 1]},
            {"name": "score", "role": "score", "type": "float32", "shape": ["N"], "range": unit},
            {"name": "fidelity", "role": "fidelity", "type": "float32", "shape": [1], "range": unit},
            {"name": "alpha", "role": "alpha", "type": "float32", "shape": [1], "range": unit},
        ],
        "outputs": [
            {"name": "restored", "role": "restored", "type": "float32", "shape": face, "range": [-1, 1]},
            {"name": "codes", "role": "codes", "type": "int64", "shape": ["N", 256, 2]},
        ],
        "size": {"minimum": 512, "multiple": 512},
        "tiling": {"tile": 512, "overlap": 0, "fade": 0},
        "scale": 1,
        "defaults": {"score": 0.9, "fidelity": 0, "alpha": alpha},
        "face": FACE,
        "decision": DECISION,
        "licence": {
            "weights": "S-Lab-1.0 (non-commercial)",
            "code": "Apache-2.0",
            "notices": [
                "Weights of IQPIR (arXiv 2603.29773) under the S-Lab licence 1.0: non-commercial use only. Brought and accepted by the user of this installation, not distributed with it.",
            ],
        },
        "training": {
            "summary": f"Trained by the authors of arXiv 2603.29773; converted here from a checkpoint of sha256 {sha256(checkpoint)}.",
            "data": [],
        },
        "measured": [
            {
                "what": "the exported file against PyTorch on drawn pictures: largest difference, the same as share of 1e-3 + 1e-3 |value|, share of equal codes",
                "command": "models/import_iqpir.py",
                "figures": report,
            }
        ],
        "limits": [
            "Non-commercial use only.",
            "Aligned faces of 512 x 512 px only: every position of the picture looks at every other, so a larger picture cannot be cut into tiles.",
            "Its bounds were set without its weights, see \"calibration\": look at faces that it restored before you trust them.",
            "The score is rounded down to tenths: 0.90 to 1.0 ask for the same.",
            "Fidelity above 0 uses blocks that the published training and commands never switched on: untrained until measured.",
            "The authors' figures were not reproduced here.",
        ],
    }


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_registry(path: Path) -> dict:
    """The registry that is there, or an empty one."""
    if not path.exists():
        return {"version": 1, "models": []}
    try:
        registry = json.loads(path.read_text(encoding="utf-8"))
        if registry["version"] == 1 and isinstance(registry["models"], list):
            return registry
    except (ValueError, KeyError, TypeError):
        pass
    raise Refused(f"Expected a model registry (version 1) in {path} but found something else. Mend the file, or remove it.")


def run(arguments: argparse.Namespace) -> None:
    import torch

    registry_path, model = arguments.out / "registry.json", arguments.out / FILE
    registry = read_registry(registry_path)
    tensors = read_tensors(arguments.checkpoint)
    check_tensors(tensors, arguments.checkpoint)
    print(f"{len(tensors)} tensors, every name and shape as expected", flush=True)

    from export_face import export, holds, parity
    from face_network import with_weights

    torch.set_num_threads(arguments.threads)
    network = with_weights(tensors)
    arguments.out.mkdir(parents=True, exist_ok=True)
    # Beside its place, so that the last step is a rename: a run that is broken off leaves what was there.
    with tempfile.TemporaryDirectory(dir=arguments.out, prefix=".importing-") as folder:
        fresh = Path(folder) / FILE
        export(network, fresh)
        print(f"exported {fresh.stat().st_size / 1e6:.0f} MB; comparing with PyTorch, which takes a minute or two", flush=True)
        report = parity(network, fresh, 0.0, arguments.alpha, tuple(arguments.batch or (1, 4)), arguments.threads)
        print(json.dumps(report), flush=True)
        if not holds(report):
            raise Refused("Expected the exported file to compute what PyTorch computes but it does not. Nothing was written; please report this, with the versions of torch, onnx and onnxruntime.")
        described = card(fresh, arguments.checkpoint, arguments.alpha, report)
        os.replace(fresh, model)
        registry["models"] = [other for other in registry["models"] if other.get("id") != CARD_ID] + [described]
        listed = Path(folder) / "registry.json"
        listed.write_text(json.dumps(registry, indent=2) + "\n", encoding="utf-8")
        os.replace(listed, registry_path)
    print(f"Wrote {model} and its card in {registry_path}. For non-commercial use only.")


def unit(text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and 0 <= value <= 1):
        raise argparse.ArgumentTypeError(f"expected 0 to 1 but received {text}")
    return value


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, help="the authors' net_g_*.pth")
    parser.add_argument("--out", type=Path, required=True, help="folder of the user's own models")
    parser.add_argument("--accept-non-commercial", action="store_true", help="the weights' licence is accepted")
    parser.add_argument("--alpha", type=unit, default=0.8, help="the card's default weight of the HQ+ code (0.8, as the authors trained and evaluated)")
    parser.add_argument("--batch", type=int, action="append", help="faces at once in the comparison; may be given again (1 and 4)")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    if not arguments.accept_non_commercial:
        print(LICENCE, file=sys.stderr)
        return 2
    try:
        run(arguments)
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
