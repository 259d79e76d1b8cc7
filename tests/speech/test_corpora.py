"""Corpus readers: exact records from miniatures of the real layouts, errors that say what is wrong, real corpora."""

import builtins
import os
from importlib import import_module
from pathlib import Path

import pytest
from corpora_miniatures import FILES, miniature, write

from speech.corpora import names, read_corpus
from speech.errors import InputError
from speech.utterance import Utterance

DATA = Path(__file__).parents[2].parent / "shared/data"


def rows(utterances: list[Utterance], *fields: str) -> list[tuple]:
    return [tuple(getattr(utterance, field) for field in fields) for utterance in utterances]


# ---- each reader on its layout


def test_librispeech_has_texts_where_there_are_transcripts(tmp_path):
    root = miniature("librispeech", tmp_path)
    chapter = root / "dev-clean/84/121123"
    assert read_corpus(root) == [
        Utterance("84-121123-0000", chapter / "84-121123-0000.flac", "84", "GO DO YOU HEAR", split="dev-clean"),
        Utterance("84-121123-0001", chapter / "84-121123-0001.flac", "84", "BUT", split="dev-clean"),
        Utterance(
            "103-1240-0000",
            root / "train-clean-100/103/1240/103-1240-0000.opus",
            "103",
            split="train-clean-100",
        ),
    ]


@pytest.mark.parametrize("name", ["librispeech", "libritts"])
def test_one_split_reads_as_it_does_within_its_corpus(name, tmp_path):
    root = miniature(name, tmp_path)
    whole = read_corpus(root)
    for split in ("dev-clean", "train-clean-100"):
        assert read_corpus(root / split) == [utterance for utterance in whole if utterance.split == split]


def test_libritts_prefers_the_text_as_spoken(tmp_path):
    root = miniature("libritts", tmp_path)
    assert rows(read_corpus(root), "id", "speaker", "text", "split") == [
        ("84_121123_000007_000001", "84", "Maximilian; Doctor Smith.", "dev-clean"),
        ("84_121123_000008_000000", "84", None, "dev-clean"),
        ("103_1241_000000_000001", "103", "matthew Cuthbert", "train-clean-100"),
    ]


def test_vctk_takes_the_first_microphone(tmp_path):
    root = miniature("vctk", tmp_path)
    folder = root / "wav48_silence_trimmed"
    assert read_corpus(root) == [
        Utterance("p225_001", folder / "p225/p225_001_mic1.flac", "p225", "Please call Stella."),
        Utterance("p315_002", folder / "p315/p315_002_mic1.flac", "p315"),
    ]


def test_vctk_of_the_older_version(tmp_path):
    root = write(tmp_path, {"VCTK/wav48/p225/p225_001.wav": "", "VCTK/txt/p225/p225_001.txt": "Please\n call."})
    assert read_corpus(root) == [Utterance("p225_001", root / "wav48/p225/p225_001.wav", "p225", "Please call.")]


def test_ljspeech_keeps_quotes_and_reports_what_is_not_there(tmp_path):
    root = miniature("ljspeech", tmp_path)
    assert read_corpus(root) == [
        Utterance("LJ001-0001", root / "wavs/LJ001-0001.wav", "LJ", "Printing, in fourteen"),
        Utterance("LJ001-0002", root / "wavs/LJ001-0002.wav", "LJ", 'in being "modern'),
        Utterance("LJ001-0003", root / "wavs/LJ001-0003.wav", "LJ", "only raw"),
        Utterance("LJ001-0004", root / "wavs/LJ001-0004.wav", "LJ"),
    ]


def test_common_voice_has_languages_and_splits(tmp_path):
    root = miniature("common_voice", tmp_path)
    found = read_corpus(root)
    assert rows(found, "id", "speaker", "text", "language", "split", "seconds") == [
        ("common_voice_en_1", "bb", "No.", "en", "test", 4.25),
        ("common_voice_en_2", "aa", '"Yes.', "en", "validated", None),
        ("common_voice_en_3", "bb", None, "en", "validated", None),
        ("common_voice_zh-CN_1", "cc", "是", "zh-CN", "train", None),
    ]
    clips = [str(utterance.audio.relative_to(root / "en/clips")) for utterance in found[:3]]
    assert clips == ["common_voice_en_1.mp3", "common_voice_en_2.opus", "common_voice_en_3.mp3"]
    assert read_corpus(root / "en") == found[:3]


def test_voxceleb1_keeps_its_test_speakers_apart(tmp_path):
    root = miniature("voxceleb", tmp_path)
    wav = root / "wav"
    known = {"language": "und"}
    assert read_corpus(root) == [
        Utterance("id10001-1zcIwhmdeo4-00001", wav / "id10001/1zcIwhmdeo4/00001.wav", "id10001", split="dev", **known),
        Utterance("id10001-1zcIwhmdeo4-00002", wav / "id10001/1zcIwhmdeo4/00002.wav", "id10001", split="dev", **known),
        Utterance("id10270-5r0dWxy17C8-00001", wav / "id10270/5r0dWxy17C8/00001.wav", "id10270", split="test", **known),
    ]


@pytest.mark.parametrize(
    ("dev", "test"),
    [("dev/aac", "test/aac"), ("vox2_dev_aac/dev/aac", "vox2_test_aac/aac"), ("vox1_dev_wav/wav", "vox1_test_wav/wav")],
)
def test_voxceleb_folders_say_the_split(dev, test, tmp_path):
    write(tmp_path, {f"{dev}/id00012/abc-_1/00001.m4a": "", f"{test}/id00017/xyz/00001.m4a": ""})
    assert rows(read_corpus(tmp_path), "id", "split") == [
        ("id00012-abc-_1-00001", "dev"),
        ("id00017-xyz-00001", "test"),
    ]
    assert rows(read_corpus(tmp_path / test.split("/")[0]), "split") == [("test",)]


def test_ravdess_reads_emotion_and_sentence_from_the_name(tmp_path):
    root = miniature("ravdess", tmp_path)
    assert read_corpus(root) == [
        Utterance(
            "03-01-08-02-01-02-01",
            root / "Actor_01/03-01-08-02-01-02-01.wav",
            "Actor_01",
            "Kids are talking by the door",
            emotion="surprised",
        ),
        Utterance("Actor_01-extra", root / "Actor_01/extra.wav", "Actor_01"),
        Utterance(
            "03-01-01-01-02-01-02",
            root / "Actor_02/03-01-01-01-02-01-02.wav",
            "Actor_02",
            "Dogs are sitting by the door",
            emotion="neutral",
        ),
    ]


def test_speechocean762_has_two_splits(tmp_path):
    root = miniature("speechocean762", tmp_path)
    assert read_corpus(root) == [
        Utterance("000010011", root / "WAVE/SPEAKER0001/000010011.wav", "0001", "WE CALL IT BEAR"),
        Utterance("000030012", root / "WAVE/SPEAKER0003/000030012.WAV", "0003", "THREE", split="test"),
        Utterance("000050001", root / "WAVE/SPEAKER0005/000050001.wav", "0005"),
    ]


# ---- a user's own folder


def test_folder_takes_speakers_from_folders_and_texts_from_table_and_files(tmp_path):
    root = miniature("folder", tmp_path)
    assert read_corpus(root) == [
        Utterance("alice/wavs/1", root / "alice/wavs/1.wav", "alice", "Number one"),
        Utterance("alice/wavs/2", root / "alice/wavs/2.flac", "alice", "Two"),
        Utterance("bob/3", root / "bob/3.wav", "bob", "Three lines"),
    ]


def test_clips_in_the_root_are_one_speakers(tmp_path, monkeypatch):
    files = {"b.wav": "", "a.mp3": "", "a.lab": "hello", "b.txt": "raw", "b.normalized.txt": "spoken"}
    root = write(tmp_path, {f"me/{name}": content for name, content in files.items()})
    expected = [("a", "me", "hello"), ("b", "me", "spoken")]
    assert rows(read_corpus(root), "id", "speaker", "text") == expected
    monkeypatch.chdir(root)
    assert rows(read_corpus("."), "id", "speaker", "text") == expected


def test_a_corpus_of_ones_own_in_ljspeechs_layout(tmp_path):
    root = write(tmp_path, {"carol/metadata.csv": 'x1|He said "no|He said "no\n', "carol/wavs/x1.wav": ""})
    assert read_corpus(root) == [Utterance("wavs/x1", root / "wavs/x1.wav", "carol", 'He said "no')]


@pytest.mark.parametrize(
    "table",
    [
        'file,text,speaker,emotion,language\n1.wav,"One, ""two""",ann,happy,de\n',
        '\ufeffLanguage\tSpeaker ID\tPath\tSentence\temotion\nde\tann\t./1.wav\tOne, "two"\thappy\n',
        'audio|transcript|speaker|emotion|lang\r\nx\\1|One, "two"|ann|happy|de\r\n',
        'id,filename,text,note,speaker,emotion,locale\n77,x/1.wav,"One,\n ""two""",!,ann,happy,de\n',
    ],
)
def test_a_table_with_a_header_in_any_order(table, tmp_path):
    root = write(tmp_path, {"c/metadata.csv": table, "c/x/1.wav": ""})
    assert read_corpus(root) == [
        Utterance("x/1", root / "x/1.wav", "ann", 'One, "two"', language="de", emotion="happy")
    ]


def test_a_table_in_a_speakers_folder(tmp_path):
    files = {
        "c/ann/metadata.csv": "1|One\n",
        "c/ann/1.wav": "",
        "c/bob/1.wav": "",
        "c/bob/metadata.tsv": "1.wav\tUno\n",
    }
    assert rows(read_corpus(write(tmp_path, files)), "id", "text") == [("ann/1", "One"), ("bob/1", "Uno")]


def test_a_bare_name_that_two_speakers_have_is_not_guessed(tmp_path):
    files = {"c/metadata.csv": "file,text,speaker\n1.wav,a,\n1.wav,b,bob\n", "c/ann/1.wav": "", "c/bob/1.wav": ""}
    root = write(tmp_path, files)
    assert read_corpus(root) == [
        Utterance("1", root / "1.wav", "c", "a"),
        Utterance("ann/1", root / "ann/1.wav", "ann"),
        Utterance("bob/1", root / "bob/1.wav", "bob", "b"),
    ]


def test_listed_twice_is_yielded_twice(tmp_path):
    root = write(tmp_path, {"c/metadata.csv": "1|a\n1|b\n", "c/1.wav": ""})
    assert rows(read_corpus(root), "id", "text") == [("1", "a"), ("1", "b")]
    root = write(tmp_path, {"d/1.wav": "", "d/1.flac": ""})
    assert rows(read_corpus(root), "id") == [("1",), ("1",)]


def test_a_table_may_lead_out_of_the_folder(tmp_path):
    outside = write(tmp_path, {"elsewhere/a.wav": ""}) / "a.wav"
    root = write(tmp_path, {"c/metadata.csv": f"{outside}|a\n../elsewhere/a.wav|b\n", "c/1.wav": ""})
    found = read_corpus(root)
    assert rows(found, "id", "text") == [("1", None), ("elsewhere/a", "b"), ("elsewhere/a", "a")]
    assert all(utterance.audio.samefile(outside) for utterance in found[1:])


# ---- recognition


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_corpus_is_recognized_by_its_reader_alone(name, tmp_path):
    root = miniature(name, tmp_path)
    found = read_corpus(root)
    assert found == read_corpus(root, name)
    recognized = [other for other in names() if import_module(f"speech.corpora.{other}").recognize(root)]
    assert set(recognized) == {name, "folder"}
    if name != "folder":
        assert read_corpus(tmp_path) == found, "an archive unpacked into a folder of its own"
    ids = [utterance.id for utterance in found]
    assert len(set(ids)) == len(ids)


def test_every_reader_has_a_miniature():
    assert names() == sorted(FILES)


def test_readers_open_no_audio(tmp_path, monkeypatch):
    opened = []
    really = builtins.open
    monkeypatch.setattr(
        builtins, "open", lambda file, *rest, **known: opened.append(file) or really(file, *rest, **known)
    )
    for name in FILES:
        read_corpus(miniature(name, tmp_path / name), name)
    assert opened
    assert not [file for file in opened if Path(file).suffix.lower() in (".wav", ".flac", ".mp3", ".opus")]


def test_order_does_not_hang_on_the_disk(tmp_path, monkeypatch):
    from speech.corpora import files

    roots = {name: miniature(name, tmp_path / name) for name in FILES}
    before = {name: read_corpus(root) for name, root in roots.items()}

    class Backwards:
        def __init__(self, folder):
            with os.scandir(folder) as entries:
                self.entries = sorted(entries, key=lambda entry: entry.name, reverse=True)

        def __enter__(self):
            return iter(self.entries)

        def __exit__(self, *_):
            pass

    class Disk:
        scandir, path, fsencode = Backwards, os.path, os.fsencode

    monkeypatch.setattr(files, "os", Disk)
    assert {name: read_corpus(root) for name, root in roots.items()} == before


# ---- what disks and people do


def test_hidden_files_and_leavings_are_skipped(tmp_path):
    files = ["a/1.wav", "a/._1.wav", ".cache/2.wav", "__MACOSX/a/1.wav", "a/notes.md", "a/sub.wav/3.wav"]
    root = write(tmp_path, {f"c/{name}": "" for name in files})
    assert rows(read_corpus(root), "id", "speaker") == [("a/1", "a"), ("a/sub.wav/3", "a")]


def test_links_are_followed_once(tmp_path):
    write(tmp_path, {"away/clip.wav": "", "c/ann/1.wav": ""})
    root = tmp_path / "c"
    (root / "bob").symlink_to(tmp_path / "away")
    (root / "ann/round").symlink_to(root)
    (root / "ann/up").symlink_to(tmp_path)
    (root / "ann/self").symlink_to("self")
    (root / "aaa").symlink_to(root / "ann")
    (root / "ann/gone.wav").symlink_to("nowhere")
    os.mkfifo(root / "ann/pipe.wav")
    assert rows(read_corpus(root), "id", "speaker") == [("ann/1", "ann"), ("ann/gone", "ann"), ("bob/clip", "bob")]


def test_labels_are_one_line(tmp_path):
    root = write(
        tmp_path, {"c/a\nb/1\t2.wav": "", "c/a\nb/1\t2.txt": "one\r\n\r\n two\x00\tthree\u2028four", "c/d/e.wav": ""}
    )
    (root / "d/e.txt").write_text(" \n")
    assert rows(read_corpus(root), "id", "speaker", "text") == [
        ("a b/1 2", "a b", "one two three four"),
        ("d/e", "d", None),
    ]


def test_names_that_are_spelled_in_another_way(tmp_path):
    root = write(tmp_path, {"c/metadata.csv": "caf\u00e9.wav|hot\n", "c/cafe\u0301.wav": ""})
    assert rows(read_corpus(root), "id", "text") == [("caf\u00e9", "hot")]
    latin = os.fsdecode(os.fsencode(root) + b"/x\xe9.wav")
    try:
        Path(latin).touch()
    except OSError:
        pytest.skip("this file system holds only UTF-8 names")
    assert "x\ufffd" in [utterance.id for utterance in read_corpus(root)]


def test_a_broken_text_leaves_its_clip_without_one(tmp_path, caplog):
    root = write(tmp_path, {"c/1.wav": "", "c/1.txt": b"caf\xe9", "c/2.wav": "", "c/2.txt": "two".encode("utf-16")})
    assert rows(read_corpus(root), "id", "text") == [("1", None), ("2", "two")]
    assert f"{root / '1.txt'} is not UTF-8 text (line 1, byte 0xe9)" in caplog.text


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("librispeech", "dev-clean/84/121123/84-121123.trans.txt"),
        ("ljspeech", "metadata.csv"),
        ("common_voice", "en/validated.tsv"),
        ("speechocean762", "test/text"),
        ("folder", "metadata.csv"),
    ],
)
def test_a_table_that_is_not_utf8_is_named(name, table, tmp_path):
    root = miniature(name, tmp_path)
    whole = read_corpus(root)
    good = (root / table).read_bytes()
    (root / table).write_bytes(b"\xef\xbb\xbf" + good.replace(b"\n", b"\r\n"))
    assert read_corpus(root) == whole, "a byte order mark and Windows line ends change nothing"
    (root / table).write_bytes(good + b"a|b\tc caf\xe9\n")
    with pytest.raises(InputError, match=rf"{table} is not UTF-8 text \(line \d, byte 0xe9\); save it as UTF-8"):
        read_corpus(root)


# ---- errors


def test_errors_are_sentences(tmp_path):
    file = tmp_path / "clip.wav"
    cases = [
        ((tmp_path / "nowhere",), "there is no folder .*nowhere; give the folder into which"),
        ((tmp_path / "nowhere", "vctk"), "there is no folder"),
        ((file,), "clip.wav is a file, not a folder"),
        ((tmp_path / ("x" * 300),), "cannot open .*: File name too long"),
        ((tmp_path, "vtck"), "no corpus reader 'vtck'; the readers are common_voice, folder, librispeech,"),
        ((tmp_path, "files"), "no corpus reader 'files'"),
        ((tmp_path, "vctk"), r"no audio found in .* as vctk lays it out: vctk expects wav48_silence_trimmed/<speaker>"),
        (
            (tmp_path / "empty",),
            r"no audio found in .*empty: looked in all its folders for .*\.wav.*expects <speaker>/",
        ),
        ((tmp_path / "empty", "folder"), "no audio found in"),
    ]
    write(tmp_path, {"clip.wav": "", "empty/a/notes.txt": "nothing"})
    for arguments, sentence in cases:
        with pytest.raises(InputError, match=sentence) as error:
            read_corpus(*arguments)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", sorted(FILES))
def test_every_reader_says_what_it_looked_for(name, tmp_path):
    with pytest.raises(InputError, match=f"{name} expects "):
        read_corpus(tmp_path, name)


def test_a_folder_of_corpora_is_not_taken_for_speakers(tmp_path):
    miniature("vctk", tmp_path)
    miniature("librispeech", tmp_path)
    miniature("folder", tmp_path)
    with pytest.raises(
        InputError, match=r"holds corpora .*: LibriSpeech \(librispeech\), VCTK-Corpus-0.92 \(vctk\); give"
    ):
        read_corpus(tmp_path)
    assert read_corpus(tmp_path, "folder")


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (
            "1.wav,hello\n",
            r"first line \(1.wav, hello\) names no file column; write a header such as `file,text,speaker`",
        ),
        ("file,text\n1.wav," + "x" * 200_000, "is not a table"),
    ],
)
def test_tables_that_cannot_be_understood(table, sentence, tmp_path):
    root = write(tmp_path, {"c/metadata.csv": table, "c/1.wav": ""})
    with pytest.raises(InputError, match=sentence):
        read_corpus(root)


def test_an_empty_table_is_no_table(tmp_path):
    root = write(tmp_path, {"c/metadata.csv": "\n\n", "c/1.wav": "", "c/1.txt": "one"})
    assert rows(read_corpus(root), "id", "text") == [("1", "one")]


def test_common_voice_without_its_columns(tmp_path):
    root = write(tmp_path, {"en/validated.tsv": "path\tsentence\n", "en/clips/1.mp3": ""})
    with pytest.raises(InputError, match=r"validated\.tsv has no column client_id in its first line"):
        read_corpus(root)


def test_a_folder_that_may_not_be_listed(tmp_path):
    root = write(tmp_path, {"c/a/1.wav": "", "c/b/1.wav": ""})
    (root / "a").chmod(0)
    try:
        if os.access(root / "a", os.R_OK):
            pytest.skip("this user may read everything")
        with pytest.raises(InputError, match=r"cannot list the folder .*a: Permission denied"):
            read_corpus(root)
    finally:
        (root / "a").chmod(0o755)


# ---- the real ones


@pytest.mark.parametrize(
    ("name", "clips", "speakers", "texts", "emotions"),
    [
        ("LibriSpeech/dev-clean", 1140, 17, 1140, 0),
        ("LibriSpeech/train-clean-100", 251, 251, 0, 0),
        ("LibriSpeech", 1391, 268, 1140, 0),
        ("speechocean762", 4260, 213, 4260, 0),
        ("RAVDESS-noncommercial", 1200, 20, 1200, 8),
        ("fsdd", 3000, 1, 0, 0),
        ("picovoice-commands", 619, 1, 0, 0),
    ],
)
def test_real_corpora(name, clips, speakers, texts, emotions):
    root = DATA / name
    if not root.is_dir():
        pytest.skip(f"there is no {root}")
    found = read_corpus(root)
    assert len(found) == len({utterance.id for utterance in found}) == clips
    assert len({utterance.speaker for utterance in found}) == speakers
    assert sum(utterance.text is not None for utterance in found) == texts
    assert len({utterance.emotion for utterance in found} - {None}) == emotions
    assert all(utterance.audio.is_file() for utterance in found)
