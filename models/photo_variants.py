"""Smaller and faster versions of iqpir-photo and iqa-photo, and what they cost: dB, codes, scores, seconds, bytes.

    python models/photo_variants.py --photos DATA/photos-train --clean DATA/photos-val --out VARIANTS --every 4 \\
        --json models/results/iqpir-photo-variants.json
    python models/photo_variants.py ... --every 14 --calibration 4          # a first look: three photographs

- fp16-stored: weights kept in half precision and widened when the file is loaded; computes in fp32.
- fp16: computes in half precision, norms excepted; for GPUs, a CPU has no such convolutions.
- int8-convolutions: every convolution in 8 bits, with ranges from photographs of the training split, damaged as in training.
- int8-decoder: the same for what comes after the codes, which therefore stay as they are (iqpir-photo alone).
- int8-all: matrix products, too (iqpir-photo alone; iqa-photo has none, nor a Transformer).
- int8-transformer: products with weights in 8 bits, scaled at run time (dynamic).

All versions restore each picture in turn, fp32 among them, on as many threads as --threads says. Seconds for a megapixel are of the
fastest picture, elapsed and of the processor (all threads; a busy machine stretches those less). `psnr` and `psnr_least` compare with
fp32's output, `gain` in dB with the clean picture at each damage level. What 8 bits are worth depends on the processor: see `flags`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx

from damage import pictures
from degradations import LEVELS, Picture, as_bytes, damage_at_level, damage_at_random
from export_face import session
from face_variants import fp16, fp16_stored, int8, int8_transformer, psnr, timed
from iqa_inference import take_crops
from photos import decode_rgb, load_photos, random_crop
from picture_measures import psnr as psnr_bytes

MODELS = Path(__file__).with_name("onnx")
SIDE = 256  # px of a calibration crop

Feed = dict[str, np.ndarray]
Maker = Callable[[Path, Path, list[Feed]], None]
VARIANTS: dict[str, Maker] = {
    "fp16-stored": lambda source, out, _: fp16_stored(source, out),
    "fp16": lambda source, out, _: fp16(source, out),
    "int8-convolutions": int8,
    "int8-decoder": lambda source, out, inputs: int8(source, out, inputs, "decoder"),
    "int8-all": lambda source, out, inputs: int8(source, out, inputs, kinds=("Conv", "MatMul")),
    "int8-transformer": lambda source, out, _: int8_transformer(source, out),
}
FOR_SCORES = ("fp16-stored", "fp16", "int8-convolutions")


def card_defaults(model: str) -> dict[str, float]:
    cards = json.loads((MODELS.parent / "registry.json").read_text())["models"]
    return next(card["defaults"] for card in cards if card["id"] == model)


def restorer_feed(picture: Picture) -> Feed:
    asked = {name: np.float32([value]) for name, value in card_defaults("iqpir-photo").items()}  # score and fidelity
    return {"image": picture.transpose(2, 0, 1)[None].astype(np.float32) / 255, **asked}


def assessor_feed(picture: Picture) -> Feed:
    return {"image": take_crops(picture)}


def training_crops(folder: Path, count: int) -> list[Picture]:
    """Damaged crops of photographs spread over the training split."""
    photos, rng = load_photos(folder, "train"), np.random.default_rng(0)
    return [damage_at_random(random_crop(decode_rgb(p.encoded), SIDE, rng), rng) for p in photos[:: max(1, len(photos) // count)][:count]]


def make(source: Path, names: list[str], inputs: list[Feed], folder: Path) -> dict[str, Path]:
    """fp32's file and those of the variants, by name. One that cannot be made or opened is said and left out."""
    files = {"fp32": source}
    for name in names:
        path = folder / f"{source.stem}-{name}.onnx"
        try:
            VARIANTS[name](source, path, inputs)
            session(path)
            files[name] = path
        except Exception as failure:  # whatever the quantiser or the runtime does not know
            print(f"{path.name}: not possible: {str(failure)[:200]}")
    return files


def in_turn(files: dict[str, Path], outputs: list[str], feeds: list[Feed], threads: int) -> tuple[dict, dict]:
    """Each feed through every file -> outputs by file, and seconds for a megapixel by file, after one run that warms up."""
    opened = {name: session(path, threads) for name, path in files.items()}
    found, seconds = ({name: [] for name in files} for _ in range(2))
    for file in opened.values():
        file.run(outputs, feeds[0])
    for feed in feeds:
        megapixels = feed["image"].size / 3e6
        for name, file in opened.items():
            result, passed, spent = timed(file, outputs, feed)
            found[name].append(result)
            seconds[name].append((passed / megapixels, spent / megapixels))
    fastest = {name: np.min(times, 0).tolist() for name, times in seconds.items()}
    return found, {name: dict(seconds=round(a, 2), processor_seconds=round(b, 2)) for name, (a, b) in fastest.items()}


def gain(restored: np.ndarray, clean: Picture, bad: Picture) -> float:
    """dB, after rounding to bytes as the product does."""
    return psnr_bytes(as_bytes(restored[0].transpose(1, 2, 0) * 255), clean) - psnr_bytes(bad, clean)


def restorers(files: dict[str, Path], damaged: list[tuple[str, Picture, Picture]], threads: int) -> dict[str, dict]:
    """damaged: (level, clean, damaged)."""
    found, seconds = in_turn(files, ["restored", "codes"], [restorer_feed(bad) for _, _, bad in damaged], threads)
    table = {}
    for name in files:
        pairs = [(np.clip(a, 0, 1), np.clip(b, 0, 1), codes == other) for (a, codes), (b, other) in zip(found["fp32"], found[name])]
        decibels = [min(psnr(a, b, 1.0), 99.0) for a, b, _ in pairs]  # 99 for the same picture, as elsewhere
        by_level = {level: [] for level in LEVELS}
        for (_, restored, _), (level, clean, bad) in zip(pairs, damaged):
            by_level[level].append(gain(restored, clean, bad))
        table[name] = {
            "bytes": files[name].stat().st_size,
            **seconds[name],
            "psnr": round(float(np.mean(decibels)), 1),
            "psnr_least": round(float(np.min(decibels)), 1),
            "equal_codes": round(float(np.mean([same.mean() for *_, same in pairs])), 4),
            "gain": {level: round(float(np.mean(values)), 3) for level, values in by_level.items()},
        }
    return table


def assessors(files: dict[str, Path], shown: list[Picture], threads: int) -> dict[str, dict]:
    found, seconds = in_turn(files, ["score", "weight"], [assessor_feed(picture) for picture in shown], threads)
    scores = {name: np.array([(s * w).sum() / w.sum() for s, w in results]) for name, results in found.items()}
    apart = {name: np.abs(values - scores["fp32"]) for name, values in scores.items()}
    return {
        name: {
            "bytes": path.stat().st_size,
            **seconds[name],
            "score_difference": round(float(apart[name].mean()), 4),
            "score_difference_most": round(float(apart[name].max()), 4),
        }
        for name, path in files.items()
    }


def processor() -> dict:
    """Its name and the instructions that decide what half precision and 8 bits are worth; Linux only, else nothing."""
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.is_file() else []
    facts = dict(tuple(part.strip() for part in line.split(":", 1)) for line in reversed(lines) if ":" in line)
    flags = facts.get("flags", facts.get("Features", "")).split()
    wanted = ("avx", "amx", "fma", "f16c", "asimd", "i8mm", "sve")
    return dict(name=facts.get("model name", ""), flags=[flag for flag in flags if flag.startswith(wanted)])


def printed(model: str, table: dict[str, dict]) -> dict[str, dict]:
    for name, row in table.items():
        print(model, name, json.dumps(row), flush=True)
    return table


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="training photographs, for the ranges")
    parser.add_argument("--clean", type=Path, required=True, help="validation photographs, for the figures")
    parser.add_argument("--out", type=Path, required=True, help="folder for the files")
    parser.add_argument("--every", type=int, default=4, help="only each n-th validation photograph by name")
    parser.add_argument("--calibration", type=int, default=24, help="crops for the ranges")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    arguments.out.mkdir(parents=True, exist_ok=True)
    crops = training_crops(arguments.photos, arguments.calibration)
    chosen = list(enumerate(pictures(arguments.clean, None)))[:: arguments.every]
    damaged = [(level, rgb, damage_at_level(rgb, level, index)) for index, (_, rgb) in chosen for level in LEVELS]

    result = dict(
        version=1,
        what="versions of the shipped files beside fp32, in one run; seconds, of the processor too, for a megapixel of the fastest picture",
        pictures=len(chosen),
        threads=arguments.threads,
        onnx=onnx.__version__,
        processor=processor(),
    )
    photo = make(MODELS / "iqpir-photo.onnx", list(VARIANTS), [restorer_feed(crop) for crop in crops], arguments.out)
    result["iqpir-photo"] = printed("iqpir-photo", restorers(photo, damaged, arguments.threads))
    iqa = make(MODELS / "iqa-photo.onnx", list(FOR_SCORES), [assessor_feed(crop) for crop in crops], arguments.out)
    shown = [rgb for _, (_, rgb) in chosen] + [bad for *_, bad in damaged]
    result["iqa-photo"] = printed("iqa-photo", assessors(iqa, shown, arguments.threads))
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")
