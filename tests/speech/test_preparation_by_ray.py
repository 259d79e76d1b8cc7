"""Preparation on a local Ray cluster of two workers. Ray is optional: pip install -r requirements-ray.txt"""

from functools import partial

import pytest

from speech.errors import InputError
from speech.preparation import prepare
from tests.speech.test_preparation import SETTINGS, clips, contents, features  # noqa: F401
from tests.speech.workers_that_die import always, once


@pytest.fixture(scope="module")
def cluster():
    ray = pytest.importorskip("ray", reason="ray is not installed")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


# Ray's own warnings are not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore:::ray", "ignore::FutureWarning", "ignore::ResourceWarning")


def test_a_cluster_makes_what_serial_work_makes(cluster, clips, tmp_path):  # noqa: F811
    serial = prepare(clips, tmp_path / "serial", features, SETTINGS, jobs=1)
    assert prepare(clips, tmp_path / "ray", features, SETTINGS, jobs=2, backend="ray") == serial
    assert contents(tmp_path / "ray") == contents(tmp_path / "serial")


def test_a_worker_that_dies_costs_nothing_but_time(cluster, clips, tmp_path):  # noqa: F811
    serial = prepare(clips, tmp_path / "serial", features, SETTINGS, jobs=1)
    work = partial(once, died=tmp_path / "died")
    assert prepare(clips, tmp_path / "ray", work, SETTINGS, backend="ray") == serial
    assert (tmp_path / "died").exists()
    assert contents(tmp_path / "ray") == contents(tmp_path / "serial")


def test_a_shard_that_kills_every_worker_is_told_in_a_sentence(cluster, clips, tmp_path):  # noqa: F811
    with pytest.raises(InputError, match=r"died 4 times over one shard.*run the same command again"):
        prepare(clips[:2], tmp_path / "ray", always, SETTINGS, backend="ray")
