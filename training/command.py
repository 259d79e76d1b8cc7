"""What the three training scripts share: arguments, run folder, start and resume."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from speech.errors import InputError

EPILOG = """\
Stop with Ctrl-C whenever you like and run the same command to go on: nothing is lost, and the run sees what it
would have seen. Several GPUs: torchrun --nproc_per_node=4 {script} ...
--set reaches every setting, e.g. --set schedule.steps=20000 --set schedule.batch=16; --settings lists them all."""


def parser(stage: str, default_model: str, data_help: str) -> argparse.ArgumentParser:
    """The arguments of a training script; light to import, so that --help answers at once."""
    script = f"{stage}_train.py"
    result = argparse.ArgumentParser(
        prog=script,
        description=f"Train the {stage}. The run lives in <models-dir>/<run>/{stage}/.",
        epilog=EPILOG.format(script=script),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("run", nargs="?", help="a name for this run")
    result.add_argument("corpora", nargs="*", type=Path, metavar="PREPARED", help=data_help)
    result.add_argument("--model", default=default_model, help=f"a file of {stage}/models/ (default {default_model})")
    result.add_argument("--preset", help="a named size of the model; the first one if not given")
    result.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", help="change one setting")
    result.add_argument("--settings", action="store_true", help="list every setting and its value, and end")
    result.add_argument("--models-dir", type=Path, default=Path("saved_models"))
    result.add_argument("--device", default="auto", help="auto, cpu or cuda (default auto)")
    result.add_argument("--restart", action="store_true", help="forget the run of that name and start anew")
    result.add_argument(
        "--finetune", type=Path, metavar="DIR", help="start from the weights of another checkpoint, on a new schedule"
    )
    return result


def run(arguments: argparse.Namespace, stage: str) -> int:
    """Train as the arguments say. Returns 0, or 130 when asked to stop."""
    import importlib

    import torch

    from training.checkpoint import LAST, read_checkpoint, to_json, write_config
    from training.config import Settings, differences, override
    from training.distributed import join_world, leave_world, wait_for_all
    from training.loop import Interrupted, clear_run, start_from, train
    from training.memory import keep_freed_memory
    from training.registry import extra_of, model_module, preset

    module = model_module(stage, arguments.model)
    if not hasattr(module, "Task"):
        raise InputError(f"{stage} model {arguments.model!r} needs no training")
    settings = Settings(module.MEL, preset(module, arguments.preset), module.SCHEDULE)
    settings = override(settings, arguments.set)
    if arguments.settings:
        _print_settings(asdict(settings))
        return 0
    if not arguments.run or not arguments.corpora:
        raise InputError(f"a run's name and prepared corpora are needed, as in {stage}_train.py my_run PREPARED")
    if arguments.run == ".." or Path(arguments.run).name != arguments.run:
        raise InputError(f"a run's name is one plain word, such as my_run; found {arguments.run!r}")
    folder = arguments.models_dir / arguments.run / stage
    keep_freed_memory()
    world = join_world(arguments.device)
    try:
        data = importlib.import_module(f"{stage}.data").Data(arguments, settings)
        extra = extra_of(module) | data.facts
        if arguments.restart and world.leads:
            clear_run(folder)
        wait_for_all(world)  # none may still see the run that was cleared
        resuming = (folder / LAST).exists() and not arguments.restart
        if resuming:
            then = read_checkpoint(folder, stage)
            wrong = differences(_lasting(to_json(then.settings)), _lasting(to_json(settings)))
            wrong += differences({"model": then.name, **then.extra}, {"model": arguments.model, **extra})
            if wrong:
                raise InputError(
                    f"the run in {folder} was started otherwise ({'; '.join(wrong)}); use --restart or another name"
                )
        if world.leads:
            write_config(folder, stage, arguments.model, settings, extra)
        torch.manual_seed(settings.schedule.seed)  # the first weights, too, are a function of the seed
        task = module.Task(settings.model, settings.mel)
        if arguments.finetune and not resuming:
            other = read_checkpoint(arguments.finetune, stage).settings.mel.differences(settings.mel)
            if other:
                raise InputError(
                    f"{arguments.finetune} has other mel settings ({'; '.join(other)}); give them with --set"
                )
            start_from(task, arguments.finetune)
        if world.leads:
            print(f"{'going on with' if resuming else 'starting'} {folder} on {world.device}: {data.summary}")
        batches = lambda step: data.batches(step, world.rank, world.size)  # noqa: E731
        train(task, batches, data.held_out(), folder, settings.schedule, world)
    except Interrupted as stop:
        if world.leads:
            print(f"\nstopped at step {stop.step}; everything is saved in {folder}: the same command goes on")
        return 130
    finally:
        leave_world(world)
    if world.leads:
        print(f"done: {folder}")
    return 0


def _lasting(settings: dict) -> dict:
    """The settings that cannot change within a run; a schedule may, as when a run is made longer."""
    return {key: settings[key] for key in ("mel", "model")}


def _print_settings(settings: dict, prefix: str = "") -> None:
    for key, value in settings.items():
        if isinstance(value, dict):
            _print_settings(value, f"{prefix}{key}.")
        else:
            print(f"{prefix}{key}={value}")
