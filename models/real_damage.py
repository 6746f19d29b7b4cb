"""Damage as it comes from phones, scanners and the web, on clean photographs; and a table of what a restorer made of it.

    python models/real_damage.py DATA/photos-val REAL --every 4             # REAL/phone/NAME.png ..., targets in REAL-CLEAN/phone/ ...
    npx iqpir restore REAL -o REAL-OUT --quiet
    python models/real_damage.py --measure REAL --restored REAL-OUT --out models/results/iqpir-photo-real-damage.json

Nothing here is used in training: it asks how far the training's damage (degradations.py) carries. Kinds, and what is compared with:
  phone    noise on a Bayer mosaic, demosaicing, the phone's smoothing and sharpening, JPEG         the clean picture
  scan     an old print: faded, soft, grain, dust and scratches, the scanner's JPEG                 the clean picture, faded alike
  web      sharpened, JPEG, blocks moved, made smaller, JPEG again                                  the clean picture, as small
  resized  1.5 to 3 times smaller and back, by nearest, bilinear, bicubic or Lanczos                the clean picture
  gray     `medium` damage to the gray picture, one channel                                         the gray clean picture
  text     a drawn page: letters of 9 to 40 px, hairlines, a diagram; soft, noise, JPEG             the clean drawing
Nobody is asked to undo fading or to guess the size a picture once had.

A picture's draw depends on seed, kind and its place among the sorted names, as in damage.py; --every does not change it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from compare_peers import markdown
from damage import pictures, write_png
from degradations import Picture, apply_round, as_bytes, draw_level, jpeg, to_gray
from evaluate_photo import judge, networks, summary

Pair = tuple[Picture, Picture]  # damaged, target
Kind = Callable[[Picture, np.random.Generator], Pair]

# camera's colours to the screen's: rows sum to 1; its large numbers are why noise in colour is worse than a mosaic's alone
COLOUR = np.array([[1.65, -0.50, -0.15], [-0.25, 1.55, -0.30], [0.05, -0.60, 1.55]])
WHITE = np.array([2.0, 1.0, 1.7])  # daylight's white balance of red, green and blue
CHECKER = np.float32([[0.5, -0.5], [-0.5, 0.5]])  # sees noise and hardly any picture
LUMA = np.float32([0.299, 0.587, 0.114])
WORDS = "the light of an old lamp fell on quiet water while seven boats came home with rain and 1,250 boxes of figs, at 6:45".split()


def soft_noise(shape: tuple[int, ...], sigma: float, rng: np.random.Generator) -> np.ndarray:
    """float32 [H, W, C] of deviation 1, correlated over about sigma px."""
    noise = cv2.GaussianBlur(rng.standard_normal(shape, dtype=np.float32), (0, 0), sigma).reshape(shape)
    return noise / noise.std()


def sharpened(x: np.ndarray, sigma: float, amount: float) -> np.ndarray:
    return np.clip(x + amount * (x - cv2.GaussianBlur(x, (0, 0), sigma)), 0, 255)


def mosaic(linear: np.ndarray) -> np.ndarray:
    """[H, W, 3] -> [H, W]: red where row and column are even, blue where both are odd."""
    raw = linear[:, :, 1].copy()
    raw[::2, ::2], raw[1::2, 1::2] = linear[::2, ::2, 0], linear[1::2, 1::2, 2]
    return raw


def phone(picture: Picture, rng: np.random.Generator) -> Pair:
    shown = picture / 255.0
    linear = np.where(shown < 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4) @ np.linalg.inv(COLOUR).T / WHITE
    raw = mosaic(np.clip(linear, 0, 1))
    shot = np.exp(rng.uniform(np.log(0.0005), np.log(0.005)))  # about ISO 200 to 2000 of a small sensor, of a full scale of 1
    read = np.exp(2.18 * np.log(shot) + 1.2)  # grows with shot noise as in Brooks et al. 2019, "Unprocessing Images"
    raw = raw + rng.standard_normal(raw.shape) * np.sqrt(shot * raw + read)
    black = 0.1  # room below, so that noise in the dark is not cut
    stored = (np.clip(raw * mosaic(np.broadcast_to(WHITE, picture.shape)) + black, 0, 1.2) / 1.2 * 65535).astype(np.uint16)
    balanced = cv2.cvtColor(stored, cv2.COLOR_BayerRGGB2RGB_EA) / 65535.0 * 1.2 - black
    light = np.clip(balanced @ COLOUR.T, 0, 1)
    x = np.where(light < 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055) * 255  # sRGB: near black a bare power makes pepper

    y = cv2.cvtColor(as_bytes(x), cv2.COLOR_RGB2YCrCb)
    luma = np.ascontiguousarray(y[:, :, 0])
    noise = 1.5 * np.median(np.abs(cv2.filter2D(luma.astype(np.float32), -1, CHECKER))) / 0.6745  # demosaicing hides some from it
    smooth = cv2.fastNlMeansDenoising(luma, None, h=float(noise), templateWindowSize=5, searchWindowSize=17)
    y[:, :, 0] = cv2.addWeighted(smooth, 0.8, luma, 0.2, 0)  # a phone leaves some grain, lest it looks painted
    for channel in (1, 2):  # colour is smoothed more: what stays is blotches, and it bleeds
        soft = cv2.medianBlur(cv2.GaussianBlur(y[:, :, channel], (0, 0), 1.5), 5)
        y[:, :, channel] = cv2.bilateralFilter(soft, 11, float(3 + noise), 5)
    x = sharpened(cv2.cvtColor(y, cv2.COLOR_YCrCb2RGB).astype(np.float32), rng.uniform(0.8, 1.3), rng.uniform(0.4, 1.0))
    return as_bytes(jpeg(x, int(rng.integers(80, 94)), "420")), picture


def faded(picture: Picture, rng: np.random.Generator) -> np.ndarray:
    """float32: sepia or pale colour between a washed black and a yellowed white."""
    x = picture.astype(np.float32)
    gray = (x @ LUMA)[:, :, None]
    x = gray + (0 if rng.random() < 0.5 else rng.uniform(0.4, 0.7)) * (x - gray)
    black = rng.uniform(30, 60) * np.float32([1.15, 1.0, 0.85])
    white = rng.uniform(205, 240) * np.float32([1.04, 1.0, 0.86])
    return np.clip(black + x / 255 * (white - black), 0, 255)


def dust(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """float32 [H, W, 1] 0..1: how much of specks, hairs and fine scratches covers each pixel."""
    height, width = shape
    fine = 4  # drawn so many times larger, for soft edges
    cover = np.zeros((height * fine, width * fine), np.float32)
    for _ in range(rng.poisson(height * width / 9000)):
        place, size = rng.uniform(0, (width, height)) * fine, rng.lognormal(0.0, 0.5, 2) * fine * 0.9
        cv2.ellipse(cover, (place, size * 2, rng.uniform(0, 180)), rng.uniform(0.3, 0.9), -1)
    for _ in range(rng.poisson(3)):  # hairs, bent
        start, angle, bend = rng.uniform(0, (width, height)), rng.uniform(0, 6.3), rng.uniform(-0.12, 0.12)
        turns = angle + bend * np.arange(int(rng.integers(10, 30)))
        path = (start + 2 * np.cumsum(np.stack([np.cos(turns), np.sin(turns)], 1), 0)) * fine
        cv2.polylines(cover, [path.astype(np.int32)], False, rng.uniform(0.3, 0.7), int(rng.integers(3, 6)))
    for _ in range(rng.poisson(3)):  # scratches, nearly straight along the film, worn away in places
        top, length, left = rng.uniform(-0.3, 0.7) * height, rng.uniform(0.2, 1.0) * height, rng.uniform(0, width)
        y = np.linspace(top, top + length, 40)
        x = left + rng.normal(0, 0.04) * (y - top) + np.cumsum(rng.normal(0, 0.15, 40))
        strokes = (np.stack([x, y], 1) * fine).astype(np.int32)
        for start, end, seen in zip(strokes, strokes[1:], rng.random(39)):
            cv2.line(cover, start.tolist(), end.tolist(), float(0.15 + 0.5 * seen), int(rng.integers(2, 4)))
    return cv2.resize(cover, (width, height), interpolation=cv2.INTER_AREA)[:, :, None]


def scan(picture: Picture, rng: np.random.Generator) -> Pair:
    target = faded(picture, rng)
    x = cv2.GaussianBlur(target, (0, 0), rng.uniform(0.6, 1.3))
    light = x @ LUMA / 255
    grain = soft_noise(light.shape + (1,), rng.uniform(0.5, 0.9), rng) + 0.25 * soft_noise(x.shape, 0.7, rng)
    x = x + grain * rng.uniform(2.5, 8) * np.sqrt(np.clip(4 * light * (1 - light), 0.1, 1))[:, :, None]  # most in mid tones
    marks = dust(light.shape, rng)
    x = x + marks * (np.float32([245, 242, 232]) - x)  # what lay on the negative is light on the print
    return as_bytes(jpeg(np.clip(x, 0, 255), int(rng.integers(70, 90)), "420")), as_bytes(target)


def web(picture: Picture, rng: np.random.Generator) -> Pair:
    height, width = picture.shape[:2]
    x = sharpened(picture.astype(np.float32), rng.uniform(0.8, 1.6), rng.uniform(0.8, 2.0))
    top, left = (int(n) for n in rng.integers(1, 8, 2))  # cropped after the first JPEG, so that blocks do not line up
    x = jpeg(cv2.copyMakeBorder(x, top, 0, left, 0, cv2.BORDER_REFLECT_101), int(rng.integers(30, 61)), "420")[top:, left:]
    scale = rng.uniform(0.6, 0.95)
    size = round(width * scale), round(height * scale)
    x = jpeg(cv2.resize(x, size, interpolation=cv2.INTER_AREA), int(rng.integers(30, 61)), "420")
    return as_bytes(x), cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def resized(picture: Picture, rng: np.random.Generator) -> Pair:
    height, width = picture.shape[:2]
    factor = rng.uniform(1.5, 3)
    # EXACT: the plain nearest of OpenCV moves the picture
    back = int(rng.choice([cv2.INTER_NEAREST_EXACT, cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4]))
    small = cv2.resize(picture, (round(width / factor), round(height / factor)), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=back), picture


def gray(picture: Picture, rng: np.random.Generator) -> Pair:
    target = to_gray(picture)
    step = replace(draw_level("medium", rng), noise_kind="gray")
    return as_bytes(apply_round(target.astype(np.float32), step, rng))[:, :, :1], target[:, :, :1]


def drawn_page(size: tuple[int, int], rng: np.random.Generator) -> Picture:
    """Letters above, hairlines and a diagram below; dark on light or light on dark. Drawn twice as large: PIL's lines have hard edges."""
    height, width = (2 * side for side in size)
    ink, paper = (tuple(int(v) for v in rng.integers(a, b, 3)) for a, b in ((0, 70), (235, 256)))
    if rng.random() < 0.25:
        ink, paper = paper, ink
    accents = [tuple(int(v) for v in rng.integers(30, 200, 3)) for _ in range(4)]
    page = Image.new("RGB", (width, height), paper)
    pen, y = ImageDraw.Draw(page), 2 * 8
    for points in sorted((int(p) for p in rng.choice([9, 10, 11, 12, 14, 16, 18, 22, 28, 40], 7, replace=False)), reverse=True):
        font, line, colour = ImageFont.load_default(2 * points), "", ink if rng.random() < 0.7 else accents[0]
        for _ in range(1 if points > 14 else 2):
            line = " ".join(rng.permutation(WORDS)).capitalize()
            while pen.textlength(line, font=font) > width - 40:
                line = line[:-1]
            pen.text((20, y), line, fill=colour, font=font)
            y += round(2.6 * points)
    top, mid, end = y + 20, width // 2, height - 24
    for n in range(14):  # a fan of hairlines, on the left
        pen.line([(24, end), (mid - 60, top + n * (end - top) // 14)], fill=ink, width=1 + n % 4)
    for n in range(5):
        edge = 16 + 22 * n
        pen.ellipse([mid - 40 - edge, end - edge, mid - 40, end], outline=accents[1], width=2 + n % 2)
    rows = np.linspace(top + 10, end - 60, 3).astype(int)  # boxes joined by arrows, and a curve, on the right
    for row, colour in zip(rows, accents[1:]):
        pen.rectangle([mid + 40, row, mid + 200, row + 50], outline=ink, width=3, fill=colour if row == rows[1] else None)
        pen.text((mid + 56, row + 10), str(rng.choice(WORDS)), fill=ink, font=ImageFont.load_default(26))
    for a, b in zip(rows, rows[1:]):
        pen.line([(mid + 120, a + 50), (mid + 120, b)], fill=ink, width=2)
        pen.polygon([(mid + 120, b), (mid + 112, b - 14), (mid + 128, b - 14)], fill=ink)
    pen.line([(mid + 240, top + 10), (mid + 240, end), (width - 24, end)], fill=ink, width=2)
    across = np.linspace(mid + 240, width - 24, 60)
    for colour, wave in zip(accents[2:], rng.uniform(0.5, 2.5, 2)):
        down = end - (end - top) * (0.5 + 0.4 * np.sin(wave * np.linspace(0, 6, 60)))
        pen.line(list(zip(across.tolist(), down.tolist())), fill=colour, width=3)
    return np.asarray(page.resize((width // 2, height // 2), Image.Resampling.BOX))


def text(picture: Picture, rng: np.random.Generator) -> Pair:
    target = drawn_page(picture.shape[:2], rng)
    step = replace(draw_level("mild", rng), blur=rng.uniform(0.3, 0.9), noise=rng.uniform(1, 7), quality=int(rng.integers(30, 71)))
    return as_bytes(apply_round(target.astype(np.float32), step, rng)), target


KINDS: dict[str, Kind] = {kind.__name__: kind for kind in (phone, scan, web, resized, gray, text)}


def write(clean: Path, out: Path, targets: Path, kinds: list[str], every: int, seed: int) -> int:
    found = list(enumerate(pictures(clean, None)))[::every]
    for index, (name, rgb) in found:
        for kind in kinds:
            damaged, target = KINDS[kind](rgb, np.random.default_rng([seed, list(KINDS).index(kind), index]))
            write_png(out / kind / f"{name}.png", damaged)
            write_png(targets / kind / f"{name}.png", target)
    return len(found)


def measure(damaged: Path, targets: Path, restored: Path) -> dict:
    """evaluate_photo.py's table and rows, a kind in place of a level."""
    measures, table, rows = networks(), {}, {}
    for kind in (kind for kind in KINDS if (damaged / kind).is_dir()):
        found = judge(targets / kind, damaged / kind, restored / kind, measures)
        table[kind] = summary(found)
        rows[kind] = [{k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()} for row in found]
        print(kind, json.dumps(table[kind]), flush=True)
    return dict(table=table, pictures=rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*", metavar="CLEAN OUT", help="write damaged copies of CLEAN's pictures to OUT")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--every", type=int, default=1, help="only each n-th picture by name")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--measure", type=Path, metavar="OUT", help="instead: judge what became of OUT's pictures")
    parser.add_argument("--restored", type=Path)
    parser.add_argument("--out", type=Path, help="JSON with the table and a row for each picture")
    arguments = parser.parse_args()

    def targets(out: Path) -> Path:
        return out.with_name(f"{out.name}-CLEAN")

    if arguments.measure and arguments.restored:
        result = measure(arguments.measure, targets(arguments.measure), arguments.restored)
        print(markdown(dict(table={kind: {"iqpir-photo": row} for kind, row in result["table"].items()})).replace("level", "kind", 1))
        if arguments.out:
            arguments.out.parent.mkdir(parents=True, exist_ok=True)
            arguments.out.write_text(json.dumps(result, indent=1) + "\n")
    elif len(arguments.folders) == 2:
        clean, out = arguments.folders
        count = write(clean, out, targets(out), arguments.kinds, arguments.every, arguments.seed)
        print(f"{count} pictures x {len(arguments.kinds)} kinds -> {out}, targets -> {targets(out)}")
    else:
        parser.error("Expected CLEAN OUT, or --measure OUT --restored RESTORED")
