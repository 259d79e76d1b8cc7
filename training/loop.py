"""The one training loop, read from top to bottom.

A task says what is learned; the loop steps its optimizers, averages over processes, validates, saves and comes back.
"""

from __future__ import annotations

import shutil
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Protocol

import torch
from torch import nn

from speech.batches import prefetch
from speech.errors import InputError
from training.checkpoint import LAST, WEIGHTS, load_tensors, load_weights, read_metadata, save_tensors
from training.distributed import World, anyone, average_gradients, same_weights
from training.inference import fast_autocast
from training.journal import Journal, plot_curves
from training.laps import Laps
from training.schedule import Schedule

Batch = dict[str, torch.Tensor]
Figures = dict[str, float]
SAVE_SECONDS = 600.0
"""A kill or a power cut costs at most this much work: the state is saved so often between validations."""


class Task(Protocol):
    """What a model learns."""

    networks: dict[str, nn.Module]
    """By name; "model" is the one that is used afterwards, and saved alone."""
    optimizers: dict[str, torch.optim.Optimizer]
    best_by: str | None
    """The held-out figure, smaller is better, that says which weights to keep; None keeps the newest."""

    def losses(self, batch: Batch, step: int) -> Iterator[tuple[str, torch.Tensor, Figures]]:
        """Yield (optimizer name, loss, figures), once for each optimizer. The loop steps before it asks for the next:
        a GAN yields its discriminators' loss, is resumed, and yields its generator's."""

    def validate(self, held_out: list[Batch]) -> Figures:
        """Figures on data it does not learn from; called in evaluation mode without gradients."""

    def sample(self, held_out: list[Batch], folder: Path) -> None:
        """Write things to hear and see into a folder."""

    def complaint(self, step: int, figures: Figures) -> str | None:
        """A sentence for the user if the held-out figures show by this step that something is wrong."""


class Interrupted(Exception):
    """The user or the system asked to stop; everything up to `step` is saved."""

    def __init__(self, step: int):
        super().__init__(f"stopped at step {step}")
        self.step = step


def train(
    task: Task,
    batches: Callable[[int], Iterable[Batch]],
    held_out: list[Batch],
    folder: Path,
    schedule: Schedule,
    world: World,
) -> None:
    """Train until schedule.steps, from where `folder` says the run stands.

    batches(step) begins the stream at a step, so a resumed run sees what it would have seen.
    Raises Interrupted after Ctrl-C or SIGTERM, with everything saved, and InputError if a loss is not a number or a
    checkpoint cannot be written.
    """
    for network in task.networks.values():
        network.to(world.device).train()
    held_out = [to_device(batch, world.device) for batch in held_out]
    mean = RunningMean(task.networks["model"], schedule.ema) if schedule.ema else None
    step, best = load_state(task, mean, folder / LAST)
    same_weights(task.networks.values(), world)
    journal = Journal(folder, step) if world.leads else None
    bar = _progress(step, schedule.steps, world)
    recent: dict[str, list[torch.Tensor]] = defaultdict(list)
    since = saved = time.perf_counter()
    laps = Laps(world.device)

    with stop_requested() as asked, bar, closing(prefetch(batches(step * schedule.accumulate))) as stream:
        while step < schedule.steps:
            torch.manual_seed(hash((schedule.seed, step, world.rank)))
            rate = schedule.learning_rate_at(step)
            for micro in range(schedule.accumulate):
                batch = to_device(next(stream), world.device)
                laps.lap("data")
                last_micro = micro == schedule.accumulate - 1
                for key, value in _learn(task, batch, step, rate, schedule, world, last_micro, laps).items():
                    recent[key].append(torch.as_tensor(value).detach())
            step += 1
            if mean:
                mean.update(task.networks["model"], step)
            bar.update()

            stop = anyone(asked(), world)
            laps.lap("optimizer")
            validating = step % schedule.validate_every == 0 or step == schedule.steps
            if step % schedule.log_every == 0 or validating or stop:
                figures = {key: torch.stack(values).float().mean().item() for key, values in recent.items()}
                _refuse_nan(figures, step, folder)
                elapsed = time.perf_counter() - since
                bar.set_postfix({key: f"{value:.4g}" for key, value in figures.items()})
                if journal:
                    per_step = elapsed / max(1, len(next(iter(recent.values()))) // schedule.accumulate)
                    costs = {"seconds": per_step, **laps.shares(), "learning_rate": rate}
                    journal.write(step, "train", figures | costs)
                recent.clear()
                since = time.perf_counter()
                laps.restart()
            if validating and world.leads:
                best = _validate_and_save(task, mean, held_out, folder, step, best, journal, bar)
                since = saved = time.perf_counter()
                laps.restart()
            elif world.leads and (stop or time.perf_counter() - saved > SAVE_SECONDS):
                save_state(task, mean, folder, step, best)
                saved = time.perf_counter()
            if stop and step < schedule.steps:
                raise Interrupted(step)
    if journal:
        journal.close()


def _learn(
    task: Task,
    batch: Batch,
    step: int,
    rate: float,
    schedule: Schedule,
    world: World,
    last_micro: bool,
    laps: Laps,
) -> dict[str, torch.Tensor]:
    """Learn from one batch; the optimizers step only on the last micro-batch of a step. Returns all figures."""
    all_figures = {}
    losses = task.losses(batch, step)
    while True:
        with fast_autocast(world.device, schedule.bf16):
            item = next(losses, None)
        laps.lap("forward")
        if item is None:
            return all_figures
        name, loss, figures = item
        all_figures |= figures
        optimizer = task.optimizers[name]
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        (loss / schedule.accumulate).backward(inputs=parameters)
        if last_micro:
            average_gradients(parameters, world)
        laps.lap("backward")
        if last_micro:
            all_figures[f"{name}_gradient_norm"] = nn.utils.clip_grad_norm_(parameters, schedule.clip)
            for group in optimizer.param_groups:
                group["lr"] = rate * group.get("rate_scale", 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            laps.lap("optimizer")


def _validate_and_save(task, mean, held_out, folder, step, best, journal, bar) -> float | None:
    """Validate, save the state, the best weights and samples; returns the best figure so far."""
    network = task.networks["model"]
    for each in task.networks.values():
        each.eval()
    with torch.no_grad(), mean.applied(network) if mean else nullcontext():
        figures = task.validate(held_out)
        newest = figures.get(task.best_by) if task.best_by else None
        better = newest is None or best is None or best != best or newest < best  # anything is better than NaN
        best = newest if better else best
        if better:
            metadata = {"step": step, "held_out": figures}
            save_tensors(folder / WEIGHTS, network.state_dict(), metadata)
        task.sample(held_out, folder / "samples" / f"{step:07d}")
    save_state(task, mean, folder, step, best)
    for each in task.networks.values():
        each.train()
    journal.write(step, "held_out", figures)
    plot_curves(folder)
    shown = ", ".join(f"{key} {value:.4g}" for key, value in figures.items())
    bar.write(f"step {step}: held-out {shown}{' (best so far)' if better and task.best_by else ''}")
    complaint = task.complaint(step, figures)
    if complaint:
        bar.write(f"warning: {complaint}")
    return best


def save_state(task: Task, mean: RunningMean | None, folder: Path, step: int, best: float | None) -> None:
    """Write last.safetensors, everything needed to go on; model.safetensors too if there is none yet."""
    tensors = {}
    for name, network in task.networks.items():
        tensors |= {f"networks/{name}/{key}": value for key, value in network.state_dict().items()}
    for name, optimizer in task.optimizers.items():
        for index, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizers/{name}/{index}/{key}": value for key, value in state.items()}
    if mean:
        tensors |= {f"mean/{key}": value for key, value in mean.tensors.items()}
    save_tensors(folder / LAST, tensors, {"step": step, "best": best})
    if not (folder / WEIGHTS).exists():
        weights = mean.tensors if mean else task.networks["model"].state_dict()
        save_tensors(folder / WEIGHTS, weights, {"step": step, "held_out": {}})


def load_state(task: Task, mean: RunningMean | None, path: Path) -> tuple[int, float | None]:
    """Put back what save_state wrote; (0, None) if there is nothing to go on from. Returns step and best figure."""
    if not path.exists():
        return 0, None
    tensors, metadata = load_tensors(path), read_metadata(path)
    for name, network in task.networks.items():
        load_weights(network, _below(tensors, f"networks/{name}/"), path)
    for name, optimizer in task.optimizers.items():
        state: dict[int, dict] = defaultdict(dict)
        for key, value in _below(tensors, f"optimizers/{name}/").items():
            index, _, field = key.partition("/")
            state[int(index)][field] = value
        optimizer.load_state_dict({"state": dict(state), "param_groups": optimizer.state_dict()["param_groups"]})
    if mean:
        stored = _below(tensors, "mean/")
        # A run that had no mean until now begins it with its weights.
        own = task.networks["model"].state_dict()
        mean.tensors = {key: stored.get(key, own[key]).to(value, copy=True) for key, value in mean.tensors.items()}
    return metadata["step"], metadata["best"]


def start_from(task: Task, folder: Path) -> None:
    """Fine-tuning: take over another run's weights, and its other networks (discriminators) where it kept them. Parts
    of the network, such as a refiner, that the other run had not are left as they are."""
    kept = load_tensors(folder / LAST) if (folder / LAST).exists() else {}
    for name, network in task.networks.items():
        path = folder / (WEIGHTS if name == "model" else LAST)
        tensors = load_tensors(path) if name == "model" else _below(kept, f"networks/{name}/")
        if not tensors:  # the other run had no adversary
            continue
        for part, layers in network.named_children():
            if not _below(tensors, f"{part}."):
                tensors |= {f"{part}.{key}": value for key, value in layers.state_dict().items()}
        load_weights(network, tensors, path)


def clear_run(folder: Path) -> None:
    """Forget a run: --restart."""
    for name in (LAST, WEIGHTS, "journal.jsonl", "curves.png"):
        (folder / name).unlink(missing_ok=True)
    for name in ("samples", "tensorboard"):
        shutil.rmtree(folder / name, ignore_errors=True)


class RunningMean:
    """An exponential mean of a network's weights; counts, such as batch norm's, are taken as they are."""

    def __init__(self, network: nn.Module, decay: float):
        self.decay = decay
        self.tensors = {key: value.detach().clone() for key, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))  # so that early means are not of the random start
        for key, value in network.state_dict().items():
            if value.is_floating_point():
                self.tensors[key].lerp_(value, 1 - decay)
            else:
                self.tensors[key].copy_(value)

    @contextmanager
    def applied(self, network: nn.Module) -> Iterator[None]:
        """The network bears the mean inside, its own weights again after."""
        own = {key: value.detach().clone() for key, value in network.state_dict().items()}
        network.load_state_dict(self.tensors)
        try:
            yield
        finally:
            network.load_state_dict(own)


@contextmanager
def stop_requested() -> Iterator[Callable[[], bool]]:
    """Inside, Ctrl-C and SIGTERM only raise a flag, so that the step in hand is finished; a second one ends at once."""
    asked = []

    def ask(number, frame):
        del frame
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def to_device(batch: Batch, device: torch.device) -> Batch:
    if device.type == "cpu":
        return batch
    return {k: v.to(device, non_blocking=True) if isinstance(v, torch.Tensor) else v for k, v in batch.items()}


def _below(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def _refuse_nan(figures: Figures, step: int, folder: Path) -> None:
    bad = [key for key, value in figures.items() if value != value]
    if bad:
        raise InputError(
            f"{', '.join(bad)} became not a number by step {step}; the last whole checkpoint is in {folder}: "
            f"go on from it with a lower schedule.learning_rate"
        )


def _progress(step: int, steps: int, world: World):
    from tqdm import tqdm

    return tqdm(total=steps, initial=step, unit="step", disable=not world.leads, dynamic_ncols=True, smoothing=0.05)
