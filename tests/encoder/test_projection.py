"""python -m encoder.projection: of what a map is drawn, what it is colored by, and how pure it is."""

import re
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from encoder import projection
from encoder.models.ge2e import Config, Model
from encoder.projection_page import write_page
from encoder.projection_sources import genders_of, read_genders
from speech.errors import InputError
from speech.mel import ENCODER_MEL
from speech.voice import Voice
from tests.voices import voice
from training.checkpoint import save_tensors, write_config
from training.config import Settings
from training.schedule import Schedule


@pytest.fixture
def encoder(tmp_path):
    """A checkpoint of random weights."""
    folder, config = tmp_path / "models/encoder", Config(hidden=16, layers=1, embedding=16)
    torch.manual_seed(1)
    write_config(folder, "encoder", "ge2e", Settings(ENCODER_MEL, config, Schedule()), {})
    save_tensors(folder / "model.safetensors", Model(config, ENCODER_MEL).state_dict(), {"step": 0})
    return folder


@pytest.fixture
def draw(encoder, monkeypatch, capsys, no_umap):
    def call(*arguments) -> str:
        words = ["projection", *arguments, "--encoder", encoder, "--device", "cpu"]
        monkeypatch.setattr(sys, "argv", list(map(str, words)))
        projection.main()
        return capsys.readouterr().out

    return call


def test_a_folder_of_recordings_is_drawn_as_picture_and_page(draw, voices_corpus, tmp_path):
    outputs = [tmp_path / f"map{suffix}" for suffix in (".png", ".svg", ".html")]
    said = draw(voices_corpus, "--speakers", 4, "--clips", 2, "--out", *outputs)
    assert "8 clips of 4 speakers drawn in" in said
    assert re.search(r"speaker purity: \d+\.\d%", said)
    assert outputs[0].read_bytes().startswith(b"\x89PNG")
    assert "<svg" in outputs[1].read_text()
    assert outputs[2].read_text().count("<circle") == 8


def test_prepared_corpora_saved_voices_and_single_files_lie_on_one_map(draw, prepared_voices, voices_corpus, tmp_path):
    wave = voice(3, 3.0)
    Voice("Ann", np.eye(16, dtype=np.float32)[0], wave, None, "another").write(tmp_path / "voices/ann.voice")
    said = draw(prepared_voices, tmp_path / "voices", voices_corpus / "s01/0.wav", "--speakers", 3, "--clips", 2,
                "--color", "corpus", "--out", tmp_path / "map.html")  # fmt: skip
    assert "8 clips of 5 speakers" in said
    page = (tmp_path / "map.html").read_text()
    assert all(name in page for name in ("</span> voices</button>", "ann, Ann"))


def test_recordings_that_cannot_be_heard_are_left_out_and_told(draw, voices_corpus, tmp_path):
    for name in ("a", "b"):
        voice(1, 2.0).write(tmp_path / "mine/ann" / f"{name}.wav")
    (tmp_path / "mine/ann/broken.wav").write_bytes(b"no sound")
    said = draw(tmp_path / "mine", "--out", tmp_path / "map.png")
    assert "left out" in said
    assert "broken.wav" in said
    assert "2 clips of 1 speakers" in said
    with pytest.raises(InputError, match="nothing could be heard"):
        draw(tmp_path / "mine/ann/broken.wav", "--out", tmp_path / "map.png")


def test_colors_by_gender_where_the_corpus_tells(draw, voices_corpus, tmp_path):
    table = tmp_path / "SPEAKERS.TXT"
    table.write_text("; ID | SEX\n" + "".join(f"s{i:02d} | {'FM'[i % 2]} | set\n" for i in range(12)))
    out = tmp_path / "map.html"
    draw(voices_corpus, "--clips", 1, "--color", "gender", "--speaker-table", table, "--out", out)
    assert all(f"</span> {gender}</button>" in out.read_text() for gender in ("female", "male"))
    assert "no gender is known" in draw(voices_corpus, "--clips", 1, "--color", "gender", "--out", out)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("SPEAKERS.TXT", ";ID  |SEX| SUBSET\n84   | F | dev-clean | 8.0 | Christie Nowak\n174  | M | dev-clean\n"),
        ("speakers.tsv", "READER\tGENDER\tSUBSET\n84\tF\tdev-clean\n174\tM\tdev-clean\n"),
        ("speaker-info.txt", "ID  AGE  GENDER  ACCENTS\n84  23  F    English    Southern England\n174 22 M Scottish\n"),
        ("speaker_info.csv", "speaker|gender|age\n84|f|6\n174|m|6\n"),
    ],
)
def test_genders_are_read_of_the_tables_corpora_bring(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    found = read_genders(tmp_path / name)
    assert (found["84"], found["p174"]) == ("female", "male")
    (tmp_path / "dev-clean/84").mkdir(parents=True)
    assert genders_of(tmp_path / "dev-clean/84")["174"] == "male"


def test_purity_is_whole_for_groups_apart_and_chance_for_none():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.eye(4), 6, axis=0) + 0.01 * rng.standard_normal((24, 4))
    names = [str(i // 6) for i in range(24)]
    assert projection.purity(groups, names) == 1.0
    assert projection.purity(rng.standard_normal((400, 8)), [str(i % 4) for i in range(400)]) == pytest.approx(
        0.25, abs=0.06
    )
    pairs = np.repeat(np.eye(3), 2, axis=0)
    assert projection.purity(pairs, list("aabbcc")) == 1.0  # of two clips no more than one neighbor is looked at
    assert projection.purity(np.eye(3), list("abc")) is None


def test_a_page_is_whole_and_shows_names_as_they_are(tmp_path):
    path = tmp_path / "map.html"
    write_page(np.zeros((2, 2)), ["<b>", "a&b"], ["<script>", "x"], path, "voices")
    page = path.read_text()
    assert "<script>" not in page.replace("<script>\nconst", "")
    assert "&lt;b&gt;" in page
    assert not re.search(r"(src|href)\s*=|https?://", page)  # nothing is fetched
    ElementTree.fromstring(page[page.index("<svg") : page.index("</svg>") + 6])
