"""Preparation on a Ray cluster, whose machines share the checkout and the folders, each at the same path.

A worker that dies, with its machine or without, costs only the shard it was at: that is made again elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from speech.errors import InputError

RETRIES = 3
"""Times that a shard is begun anew after its worker died."""


def connect_ray(address: str | None) -> None:
    """Join the cluster at `address`; without one, start a cluster of this machine's cores."""
    try:
        import ray
    except ImportError as error:
        raise InputError(
            "--backend ray needs a package that is not installed: pip install -r requirements-ray.txt"
        ) from error
    ray.init(address=address, ignore_reinit_error=True)


def each_by_ray(function: Callable[..., int], tasks: list[tuple], jobs: int) -> Iterator[int]:
    """What `function` returns for each of `tasks`, as they end. jobs: how many at once; -1 for all the cluster's cores.

    Raises InputError if a worker died RETRIES + 1 times over one task.
    """
    import ray

    remote = ray.remote(max_retries=RETRIES)(function)
    most = jobs if jobs > 0 else max(1, int(ray.cluster_resources().get("CPU", 1)))
    waiting, running = iter(tasks), []
    try:
        while True:
            running += [remote.remote(*task) for task in islice(waiting, most - len(running))]
            if not running:
                return
            (ended,), running = ray.wait(running, num_returns=1)
            yield ray.get(ended)
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
        raise InputError(
            f"a Ray worker died {RETRIES + 1} times over one shard, perhaps for want of memory; what is done is kept: "
            f"run the same command again, with fewer --jobs"
        ) from error
