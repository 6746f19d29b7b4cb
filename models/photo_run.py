"""What both training stages of iqpir-photo share: an end, a learning rate that follows it, averages, checkpoints, a log."""

from __future__ import annotations

import json
import os
import signal
import time
from datetime import datetime, timedelta
from pathlib import Path

import torch
from torch import distributed

CHECKPOINT_SECONDS = 300
LOG_ITERATIONS, LOG_SECONDS = 50, 5  # both must have passed
WARMUP = 100  # iterations


def deadline(until: str | None, minutes: float | None) -> float:
    """`HH:MM` (today, or tomorrow where that has passed) or minutes from now -> seconds since the epoch."""
    if until is None:
        return time.time() + 60 * (minutes or 2)
    hour, minute = map(int, until.split(":"))
    end = datetime.now().replace(hour=hour, minute=minute, second=0, microsecond=0)
    return (end if end > datetime.now() else end + timedelta(days=1)).timestamp()


class Average:
    """Exponential average of every parameter and buffer; the first iterations are averaged over fewer."""

    def __init__(self, network: torch.nn.Module, decay: float = 0.999):
        self.decay, self.count = decay, 0
        self.tensors = {name: t.detach().clone() for name, t in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: torch.nn.Module) -> None:
        self.count += 1
        keep = min(self.decay, (1 + self.count) / (10 + self.count))
        now = network.state_dict()
        floats = [name for name, t in now.items() if t.is_floating_point()]
        torch._foreach_lerp_([self.tensors[name] for name in floats], [now[name] for name in floats], 1 - keep)
        for name in now.keys() - set(floats):
            self.tensors[name].copy_(now[name])


def join() -> tuple[int, int]:
    """Which process of how many this is: more than one where torchrun started it."""
    if "RANK" not in os.environ:
        return 0, 1
    if not distributed.is_initialized():
        distributed.init_process_group("gloo")
    return distributed.get_rank(), distributed.get_world_size()


class Run:
    """One stage in one folder: `NAME.pt` (resumable) and `NAME.jsonl` (a line every 50 iterations and every validation).

    It ends at a moment, or after a number of iterations: the same budget for each of several runs on a busy machine.
    After each backward pass `step`; where a captured graph descends by itself, `set_rate` before it and `count` after it.
    Of several processes (torchrun) each brings its own crops, gradients are averaged, and the first one logs and saves."""

    def __init__(self, folder: Path, name: str, network, optimizer, until: float, peak: float, iterations: int | None = None):
        folder.mkdir(parents=True, exist_ok=True)
        self.checkpoint, self.log_file = folder / f"{name}.pt", folder / f"{name}.jsonl"
        self.network, self.optimizer, self.peak = network, optimizer, peak
        self.average = Average(network)
        self.iteration, self.until, self.iterations = 0, until, iterations
        self.trained = 0.0  # wall seconds over all resumed parts
        self.processor = 0.0  # processor seconds of all processes, likewise
        if self.checkpoint.exists():
            self.resume()
        self.rank, self.processes = join()
        self.began = time.time() - self.trained
        self.processor_base = self.processor - self.processes * time.process_time()
        self.saved = self.noted = time.time()
        self.sums: dict[str, tuple[torch.Tensor | float, int]] = {}  # tensors, so that no iteration waits for a GPU
        self.logged = self.iteration
        self.stopped = False
        self.look_at_the_clock()
        signal.signal(signal.SIGTERM, self.stop)

    def stop(self, *_) -> None:
        """On SIGTERM: ends after the iteration at work, so that the script saves."""
        self.stopped = True

    def resume(self) -> None:
        device = next(self.network.parameters()).device
        state = torch.load(self.checkpoint, map_location=device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average.tensors, self.average.count = state["average"], state["iteration"]
        self.iteration, self.trained, self.processor = state["iteration"], state["trained"], state["processor"]
        print(f"resumed {self.checkpoint.name} at iteration {self.iteration}", flush=True)

    def look_at_the_clock(self) -> None:
        """Sets `progress`, 0..1 of the iterations or of the wall time between the first start and the deadline, and `going_on`."""
        if self.iterations:
            progress, going_on = self.iteration / self.iterations, self.iteration < self.iterations
        else:
            progress, going_on = (time.time() - self.began) / max(1.0, self.until - self.began), time.time() < self.until
        state = torch.tensor([min(1.0, progress), float(going_on and not self.stopped)])
        if self.processes > 1:  # all of them go by the first one's clock, or their weights would drift apart
            distributed.broadcast(state, 0)
        self.progress, self.going_on = state[0].item(), bool(state[1])

    def set_rate(self) -> None:
        """The learning rate of this moment."""
        self.rate = self.peak * min(1.0, (self.iteration + 1) / WARMUP) * max(0.01, 1 - self.progress)
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(self.rate)
            else:
                group["lr"] = self.rate

    def descend(self) -> None:
        """One optimiser step along the gradients, whose norm is 1 at most."""
        if self.processes > 1:
            gradients = [p.grad for p in self.network.parameters() if p.grad is not None]
            flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
            distributed.all_reduce(flat)
            for own, total in zip(gradients, flat.split([gradient.numel() for gradient in gradients])):
                own.copy_(total.view_as(own) / self.processes)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()

    def step(self, losses: dict[str, torch.Tensor | float]) -> bool:
        self.set_rate()
        self.descend()
        return self.count(losses)

    def count(self, losses: dict[str, torch.Tensor | float]) -> bool:
        """Averages, logs and saves after an iteration. False when the time is over."""
        self.average.update(self.network)
        self.iteration += 1
        for name, value in losses.items():
            total, count = self.sums.get(name, (0.0, 0))
            self.sums[name] = (total + (value.detach() if isinstance(value, torch.Tensor) else value), count + 1)
        passed, seconds = self.iteration - self.logged, time.time() - self.noted
        if passed >= LOG_ITERATIONS and seconds > LOG_SECONDS:
            means = {name: round(float(total) / count, 5) for name, (total, count) in self.sums.items()}
            self.noted, self.logged, self.sums = time.time(), self.iteration, {}
            self.log(rate=float(f"{self.rate:.3g}"), seconds=round(seconds / passed, 4), **means)
        if time.time() - self.saved > CHECKPOINT_SECONDS:
            self.save()
        self.look_at_the_clock()
        return self.going_on

    def log(self, **values) -> None:
        if self.rank:
            return
        line = dict(iteration=self.iteration, minutes=round((time.time() - self.began) / 60, 2), **values)
        with open(self.log_file, "a") as handle:
            handle.write(json.dumps(line) + "\n")
        left = self.until - time.time()
        if self.iterations:
            left = (self.iterations - self.iteration) * (time.time() - self.began) / max(1, self.iteration)
        print(json.dumps(line), f"{max(0.0, left) / 60:.0f} min left", flush=True)

    def save(self) -> None:
        self.saved = time.time()
        if self.rank:
            return
        self.trained, self.processor = time.time() - self.began, self.processor_base + self.processes * time.process_time()
        state = dict(
            network=self.network.state_dict(),
            optimizer=self.optimizer.state_dict(),
            average=self.average.tensors,
            iteration=self.iteration,
            trained=self.trained,
            processor=self.processor,
        )
        temporary = self.checkpoint.with_suffix(".tmp")
        torch.save(state, temporary)
        os.replace(temporary, self.checkpoint)
