import threading
import time
from itertools import islice

import numpy as np
import pytest

from speech.batches import bucketed_stream, held_out_speakers, hold_out, length_buckets, prefetch
from speech.shards import PreparedCorpus, Record, write_shard

LENGTHS = np.random.default_rng(0).integers(50, 1000, 103)


def test_every_item_comes_once_an_epoch():
    batches = length_buckets(LENGTHS, 8, seed=1, epoch=0)
    items = np.concatenate(batches).tolist()
    assert [len(batch) for batch in batches] == [8] * 12
    assert len(set(items)) == len(items) == 96


def test_what_fills_no_batch_differs_from_epoch_to_epoch():
    left = [
        set(range(103)) - set(np.concatenate(length_buckets(LENGTHS, 8, 1, epoch)).tolist()) for epoch in range(200)
    ]
    assert set().union(*left) == set(range(103))


def test_batches_hold_similar_lengths():
    spread = [np.ptp(LENGTHS[batch]) for batch in length_buckets(LENGTHS, 8, 1, 0)]
    assert np.mean(spread) < 0.4 * np.ptp(LENGTHS)


def test_batches_do_not_come_sorted():
    means = [LENGTHS[batch].mean() for batch in length_buckets(LENGTHS, 8, 1, 0)]
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.8


def test_buckets_are_a_function_of_seed_and_epoch():
    one, same, epoch, seed = (length_buckets(LENGTHS, 8, *key) for key in [(1, 0), (1, 0), (1, 1), (2, 0)])
    assert np.array_equal(one, same)
    assert not np.array_equal(one, epoch)
    assert not np.array_equal(one, seed)


@pytest.mark.parametrize("step", [0, 1, 11, 12, 13, 40])
def test_a_stream_from_a_step_is_the_stream_that_never_stopped(step):
    whole = list(islice(bucketed_stream(LENGTHS, 8, 3, 0), 50))
    later = list(islice(bucketed_stream(LENGTHS, 8, 3, step), 50 - step))
    assert np.array_equal(whole[step:], later)


# ---- held-out recordings


def corpus(folder, counts: dict[str, int]) -> PreparedCorpus:
    records = [Record(f"{name}-{i}", name, 0, 1, 1.0) for name, count in counts.items() for i in range(count)]
    arrays = [np.zeros(1, np.int16)] * len(records)
    write_shard(
        folder / "encoder/shard-00000.safetensors", arrays, records, {"settings": {}, "left_out": [], "source": []}
    )
    return PreparedCorpus([folder], "encoder", "")


def test_held_out_speakers_are_nobody_else():
    speakers = {f"s{i}": [2 * i, 2 * i + 1] for i in range(40)}
    train, held = held_out_speakers(speakers, 0.1, 2)
    assert (len(train), len(held)) == (36, 4)
    assert train | held == speakers
    assert not train.keys() & held.keys()
    backwards = dict(reversed(speakers.items()))
    assert held_out_speakers(backwards, 0.1, 2)[1] == held
    assert len(held_out_speakers(dict(list(speakers.items())[:3]), 0.1, 4)[1]) == 1


def test_hold_out_takes_whole_speakers_where_there_are_many(tmp_path):
    made = corpus(tmp_path, {f"s{i}": 5 for i in range(20)})
    train, held = hold_out(made, 0.1)
    assert sorted(train + held) == list(range(100))
    assert len(held) == 10
    assert not {made.records[i].speaker for i in train} & {made.records[i].speaker for i in held}
    assert hold_out(made, 0.1) == (train, held)


def test_hold_out_takes_clips_where_there_are_few_speakers(tmp_path):
    made = corpus(tmp_path, {"a": 30, "b": 10})
    train, held = hold_out(made, 0.1)
    assert sorted(train + held) == list(range(40))
    assert len(held) == 4
    assert hold_out(corpus(tmp_path / "one", {"a": 1}), 0.5) == ([0], [])


# ---- making ahead


def threads() -> int:
    return sum(thread.name.endswith("(work)") for thread in threading.enumerate())


def wait_for(condition) -> None:
    until = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_prefetch_gives_the_same_items():
    assert list(prefetch(range(100))) == list(range(100))
    assert list(prefetch([])) == []
    assert threads() == 0


def test_prefetch_works_ahead_but_not_far():
    made = []
    stream = prefetch((made.append(i) or i for i in range(100)), depth=3)
    assert next(stream) == 0
    wait_for(lambda: len(made) >= 4)
    time.sleep(0.05)
    assert len(made) <= 6
    stream.close()
    assert threads() == 0


def test_prefetch_hands_over_errors():
    def items():
        yield 1
        raise OSError("the disk is gone")

    stream = prefetch(items())
    assert next(stream) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(stream)
    assert threads() == 0


def test_an_abandoned_prefetch_ends_its_thread():
    stream = prefetch(iter(int, 1))
    next(stream)
    assert threads() == 1
    del stream
    wait_for(lambda: threads() == 0)
