import pytest
import torch
from torch import nn

from speech.errors import InputError
from tests.voices import start_python, words
from training.checkpoint import load_model, load_tensors
from training.distributed import pick_device
from training.journal import read_journal

TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2")


def finish(process, seconds: float = 180) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=seconds)
    return process.returncode, out, err


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """What two processes wrote: (folder, the first's tensors, the second's)."""
    folder = tmp_path_factory.mktemp("two")
    code, _, err = finish(start_python(*TORCHRUN, "tests/training/two_processes.py", str(folder)))
    assert code == 0, err
    return folder, *(load_tensors(folder / f"rank-{rank}.safetensors") for rank in range(2))


def test_averaged_gradients_are_those_of_one_process_with_all_data(both):
    torch.manual_seed(0)
    network = nn.Linear(3, 1)
    network(torch.randn(8, 3)).square().mean().backward()
    for key, value in network.named_parameters():
        for found in both[1:]:
            torch.testing.assert_close(found[f"gradient/{key}"], value.grad)


def test_replicas_stay_the_same(both):
    _, one, other = both
    assert one.keys() == other.keys()
    assert sum(key.startswith(("Line/", "Adversary/")) for key in one) == 12
    assert [key for key in one if not torch.equal(one[key], other[key])] == []


def test_one_process_writes(both):
    folder = both[0]
    for name in ("Line", "Adversary"):
        steps = [line["step"] for line in read_journal(folder / name) if line["kind"] == "train"]
        assert steps == list(range(1, 11))
        assert (folder / name / "model.safetensors").exists()


def test_a_stop_in_one_process_is_a_stop_in_all(both):
    assert [found["anyone"].tolist() for found in both[1:]] == [[True, False]] * 2


def test_torchrun_trains_an_encoder_into_one_folder(prepared_voices, tmp_path):
    arguments = words("pair", prepared_voices, tmp_path, "schedule.steps=3", "schedule.batch=4")
    code, out, err = finish(start_python(*TORCHRUN, "encoder_train.py", *arguments))
    assert code == 0, err
    assert out.count("starting") == out.count("done:") == 1
    folder = tmp_path / "pair/encoder"
    assert [line["step"] for line in read_journal(folder) if line["kind"] == "train"] == [1, 2, 3]
    _, checkpoint = load_model(folder, "encoder")
    assert checkpoint.step == 3


def test_devices_are_picked_or_refused():
    assert pick_device("cpu").type == "cpu"
    assert pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(InputError, match="there is no device 'gpu'; give auto, cpu or cuda"):
        pick_device("gpu")
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="torch finds no GPU here"):
            pick_device("cuda")
