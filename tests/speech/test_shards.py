import json
import struct

import numpy as np
import pytest

from speech.errors import InputError
from speech.shards import PreparedCorpus, Record, Shard, read_header, shard_metadata, write_shard


def fill(path, speakers="aab", dtype=np.float16, settings=None, first=0):
    """A shard of three recordings, whose frames say who and where they are."""
    arrays, records, start = [], [], 0
    for index, speaker in enumerate(speakers):
        frames = 5 + index
        arrays.append(np.stack([np.full(frames, index + first), np.arange(frames)], axis=1).astype(dtype))
        records.append(Record(f"{speaker}-{index}", speaker, start, frames, frames / 100, "Grüße", emotion="calm"))
        start += frames
    write_shard(path, arrays, records, {"settings": settings or {"rate": 1}, "left_out": [], "source": ["x"]})
    return arrays, records


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int16])
def test_what_is_written_is_read_again(tmp_path, dtype):
    path = tmp_path / "deep/shard-00000.safetensors"
    arrays, records = fill(path, dtype=dtype)
    shard = Shard(path)
    assert shard.records == records
    assert shard.metadata["settings"] == {"rate": 1}
    assert shard.data.dtype == dtype
    np.testing.assert_array_equal(shard.data, np.concatenate(arrays))
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_data_is_a_memory_map_that_cannot_be_written(tmp_path):
    fill(tmp_path / "shard-00000.safetensors")
    shard = Shard(tmp_path / "shard-00000.safetensors")
    assert isinstance(shard.data, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        shard.data[0] = 1


def test_safetensors_own_reader_agrees(tmp_path):
    from safetensors.numpy import load_file

    arrays, _ = fill(tmp_path / "shard-00000.safetensors")
    np.testing.assert_array_equal(load_file(tmp_path / "shard-00000.safetensors")["data"], np.concatenate(arrays))


def test_a_shard_may_be_empty(tmp_path):
    path = tmp_path / "shard-00000.safetensors"
    write_shard(path, [], [], {"settings": {}, "left_out": [], "source": []})
    assert Shard(path).records == []
    assert len(Shard(path).data) == 0


@pytest.mark.parametrize("cut", [1, 40])
def test_truncated_data_is_named(tmp_path, cut):
    path = tmp_path / "shard-00000.safetensors"
    fill(path)
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(InputError, match=r"shard-00000\.safetensors is truncated"):
        Shard(path)


@pytest.mark.parametrize(
    "content", [b"", b"1234", struct.pack("<Q", 99) + b"{", struct.pack("<Q", 1 << 62), b"text" * 99]
)
def test_what_is_no_safetensors_file_is_named(tmp_path, content):
    path = tmp_path / "shard-00000.safetensors"
    path.write_bytes(content)
    for read in (read_header, shard_metadata, Shard):
        with pytest.raises(InputError, match=r"shard-00000\.safetensors is not a whole safetensors file"):
            read(path)
    with pytest.raises(InputError, match="does not exist"):
        read_header(tmp_path / "nothing")


def test_a_corpus_is_all_its_shards(tmp_path):
    for folder, speakers in {"one": "aab", "two": "acc"}.items():
        for index in range(2):
            fill(tmp_path / folder / f"encoder/shard-{index:05d}.safetensors", speakers, first=10 * index)
    corpus = PreparedCorpus([tmp_path / "one", tmp_path / "two"], "encoder", "make it")
    assert len(corpus) == 12
    np.testing.assert_array_equal(corpus.array(4)[:, 0], 11)
    np.testing.assert_array_equal(corpus.array(5, 2, 3), [[12, 2], [12, 3], [12, 4]])
    np.testing.assert_array_equal(corpus.array(5, 5, 99)[:, 1], [5, 6])
    speakers = corpus.speakers()
    assert {name: len(clips) for name, clips in speakers.items()} == {"one/a": 4, "one/b": 2, "two/a": 2, "two/c": 4}
    assert sorted(index for clips in speakers.values() for index in clips) == list(range(12))
    assert corpus.folder(7) == tmp_path / "two/encoder"


def test_a_folder_without_shards_says_how_to_make_them(tmp_path):
    with pytest.raises(
        InputError, match=r"holds no prepared corpus; make one with `python -m encoder\.preprocess CORPUS`"
    ):
        PreparedCorpus([tmp_path], "encoder", "python -m encoder.preprocess CORPUS")


def test_differing_settings_are_named(tmp_path):
    fill(tmp_path / "one/encoder/shard-00000.safetensors", settings={"rate": 1, "bands": 40})
    fill(tmp_path / "two/encoder/shard-00000.safetensors", settings={"rate": 2, "bands": 40})
    with pytest.raises(InputError, match=r"two/encoder/shard-00000.* \(rate: 2 against 1\)"):
        PreparedCorpus([tmp_path / "one", tmp_path / "two"], "encoder", "make it")


def test_metadata_is_plain_json(tmp_path):
    fill(tmp_path / "shard-00000.safetensors")
    header = read_header(tmp_path / "shard-00000.safetensors")
    assert json.loads(header["__metadata__"]["records"])[0]["text"] == "Grüße"
