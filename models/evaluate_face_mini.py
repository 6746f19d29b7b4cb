"""iqpir-face-mini against iqpir-photo and against doing nothing, on portraits of people that the former never saw.

    python models/evaluate_face_mini.py --portraits PORTRAITS/held-out --checkpoint RUN/face.pt --out models/results/iqpir-face-mini.json

Every face is shrunk by 1, 2 and 4 and damaged there at each level. iqpir-photo restores it at that size, and the result is enlarged;
iqpir-face-mini restores the enlarged face, as the face pipeline would have it. All are compared with the clean face of 512 px inside
the middle 384: PSNR in dB, SSIM, feature distance. iqpir-photo was trained on photographs among which these portraits are.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from degradations import LEVELS
from face_mini import FaceMini
from perceptual import FeatureDistance
from picture_measures import feature_distance, psnr, ssim
from portraits import damaged_at, enlarged, load_portraits

INSIDE = slice(64, 448)


def as_bytes(picture: np.ndarray) -> np.ndarray:  # float [1,3,H,W] 0..1 -> uint8 [H,W,3]
    return (picture[0].transpose(1, 2, 0).clip(0, 1) * 255 + 0.5).astype(np.uint8)


def as_input(picture: np.ndarray) -> np.ndarray:
    return picture.transpose(2, 0, 1)[None].astype(np.float32) / 255


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--portraits", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--photo", type=Path, default=Path(__file__).parent / "onnx" / "iqpir-photo.onnx")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = arguments.threads
    photo = onnxruntime.InferenceSession(str(arguments.photo), options)
    state = torch.load(arguments.checkpoint, map_location="cpu", weights_only=True)
    mini, distance = FaceMini().eval(), FeatureDistance()
    mini.load_state_dict(state["average"])

    def by_photo(face: np.ndarray) -> np.ndarray:
        pad = -len(face) % 32
        wide = np.pad(face, ((0, pad), (0, pad), (0, 0)), mode="reflect")
        feeds = {"image": as_input(wide), "score": np.float32([0.9]), "fidelity": np.float32([1])}
        return as_bytes(photo.run(["restored"], feeds)[0])[: len(face), : len(face)]

    def by_mini(face: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return as_bytes(mini(torch.from_numpy(as_input(face)), torch.tensor([0.9]), torch.tensor([1.0])).numpy())

    portraits, rows = load_portraits(arguments.portraits)[: arguments.limit], []
    for level in LEVELS:
        for shrink in (1, 2, 4):
            found: dict[str, list[tuple[float, float, float]]] = {"nothing": [], "iqpir-photo": [], "iqpir-face-mini": []}
            for index, clean in enumerate(portraits):
                bad = damaged_at(clean, level, shrink, index)
                results = {"nothing": enlarged(bad), "iqpir-photo": enlarged(by_photo(bad)), "iqpir-face-mini": by_mini(enlarged(bad))}
                for name, picture in results.items():
                    one, other = picture[INSIDE, INSIDE], clean[INSIDE, INSIDE]
                    found[name].append((psnr(one, other), ssim(one, other), feature_distance(distance, one, other)))
            for name, values in found.items():
                means = [round(float(x), 4) for x in np.mean(values, 0)]
                rows.append(dict(zip(("level", "shrink", "by", "psnr", "ssim", "featureDistance"), (level, shrink, name, *means))))
                print(rows[-1], flush=True)
    report = dict(portraits=len(portraits), processorHours=round(state["processor"] / 3600, 2), rows=rows)
    arguments.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
