"""The mean of several checkpoints of train_iqa.py that began from one another: often better than each (Wortsman et al., arXiv 2203.05482).

    python models/average_checkpoints.py IQA-A/final.pt IQA-B/final.pt --out IQA/final.pt
"""

import argparse
from pathlib import Path

import torch

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()

    networks = [torch.load(path, map_location="cpu", weights_only=True)["network"] for path in arguments.checkpoints]
    mean = {name: torch.stack([network[name] for network in networks]).float().mean(0) for name in networks[0]}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"network": mean}, arguments.out)
