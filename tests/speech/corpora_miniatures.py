"""Every corpus in small, as it lies on disk: a few empty recordings with their real names."""

from pathlib import Path

FILES: dict[str, dict[str, str]] = {
    "librispeech": {
        "LibriSpeech/SPEAKERS.TXT": "84 | F | dev-clean\n",
        "LibriSpeech/dev-clean/84/121123/84-121123.trans.txt": "84-121123-0000 GO  DO YOU HEAR\n84-121123-0001 BUT\n",
        "LibriSpeech/dev-clean/84/121123/84-121123-0000.flac": "",
        "LibriSpeech/dev-clean/84/121123/84-121123-0001.flac": "",
        "LibriSpeech/train-clean-100/103/1240/103-1240-0000.opus": "",
    },
    "libritts": {
        "LibriTTS/dev-clean/84/121123/84_121123_000007_000001.wav": "",
        "LibriTTS/dev-clean/84/121123/84_121123_000007_000001.original.txt": "Maximilian; Dr. Smith.",
        "LibriTTS/dev-clean/84/121123/84_121123_000007_000001.normalized.txt": "Maximilian; Doctor Smith.\n",
        "LibriTTS/dev-clean/84/121123/84_121123_000008_000000.wav": "",
        "LibriTTS/dev-clean/84/121123/84_121123.trans.tsv": "",
        "LibriTTS/train-clean-100/103/1241/103_1241_000000_000001.wav": "",
        "LibriTTS/train-clean-100/103/1241/103_1241_000000_000001.original.txt": "matthew Cuthbert",
    },
    "vctk": {
        "VCTK-Corpus-0.92/speaker-info.txt": "ID AGE\n",
        "VCTK-Corpus-0.92/wav48_silence_trimmed/p225/p225_001_mic1.flac": "",
        "VCTK-Corpus-0.92/wav48_silence_trimmed/p225/p225_001_mic2.flac": "",
        "VCTK-Corpus-0.92/wav48_silence_trimmed/p315/p315_002_mic1.flac": "",
        "VCTK-Corpus-0.92/wav48_silence_trimmed/log.txt": "",
        "VCTK-Corpus-0.92/txt/p225/p225_001.txt": "Please call Stella.\n",
    },
    "ljspeech": {
        "LJSpeech-1.1/metadata.csv": (
            'LJ001-0002|in being "modern|in being "modern\nLJ001-0001|Printing, in 1436|Printing, in fourteen\n'
            "LJ001-0003|only raw|\n"
        ),
        "LJSpeech-1.1/wavs/LJ001-0001.wav": "",
        "LJSpeech-1.1/wavs/LJ001-0002.wav": "",
        "LJSpeech-1.1/wavs/LJ001-0004.wav": "",
    },
    "common_voice": {
        "cv-corpus/en/validated.tsv": (
            "client_id\tpath\tsentence\tup_votes\tlocale\n"
            'aa\tcommon_voice_en_2.mp3\t"Yes.\t2\ten\n'
            "bb\tcommon_voice_en_1.mp3\tNo.\t2\ten\n"
            "bb\tcommon_voice_en_3\t\t2\n"
        ),
        "cv-corpus/en/test.tsv": "client_id\tpath\tsentence\tlocale\nbb\tcommon_voice_en_1.mp3\tNo.\ten\n",
        "cv-corpus/en/clip_durations.tsv": "clip\tduration[ms]\ncommon_voice_en_1.mp3\t4250\n",
        "cv-corpus/en/clips/common_voice_en_1.mp3": "",
        "cv-corpus/en/clips/common_voice_en_2.opus": "",
        "cv-corpus/en/clips/common_voice_en_9.mp3": "",
        "cv-corpus/zh-CN/train.tsv": "client_id\tpath\tsentence\tlocale\ncc\tcommon_voice_zh-CN_1.mp3\t是\tzh-CN\n",
        "cv-corpus/zh-CN/clips/common_voice_zh-CN_1.mp3": "",
    },
    "voxceleb": {
        "VoxCeleb1/vox1_meta.csv": "VoxCeleb1 ID\n",
        "VoxCeleb1/wav/id10001/1zcIwhmdeo4/00001.wav": "",
        "VoxCeleb1/wav/id10001/1zcIwhmdeo4/00002.wav": "",
        "VoxCeleb1/wav/id10270/5r0dWxy17C8/00001.wav": "",
    },
    "ravdess": {
        "Audio_Speech_Actors_01-24/Actor_02/03-01-01-01-02-01-02.wav": "",
        "Audio_Speech_Actors_01-24/Actor_01/03-01-08-02-01-02-01.wav": "",
        "Audio_Speech_Actors_01-24/Actor_01/03-02-01-01-01-01-01.wav": "",
        "Audio_Speech_Actors_01-24/Actor_01/extra.wav": "",
    },
    "speechocean762": {
        "speechocean762/WAVE/SPEAKER0001/000010011.wav": "",
        "speechocean762/WAVE/SPEAKER0003/000030012.WAV": "",
        "speechocean762/WAVE/SPEAKER0005/000050001.wav": "",
        "speechocean762/train/text": "000010011\tWE CALL IT BEAR\n",
        "speechocean762/train/utt2spk": "000010011\t0001\n",
        "speechocean762/test/text": "000030012 THREE\n",
        "speechocean762/test/utt2spk": "000030012 0003\n",
    },
    "folder": {
        "mine/metadata.csv": "alice/wavs/1.wav|One|Number one\nalice/wavs/2|Two\n",
        "mine/alice/wavs/1.wav": "",
        "mine/alice/wavs/2.flac": "",
        "mine/bob/3.wav": "",
        "mine/bob/3.txt": "Three\nlines\n",
        "mine/LICENSE.txt": "mine",
    },
}


def write(root: Path, files: dict[str, str | bytes]) -> Path:
    """Write files below `root`; returns the one folder they share, or `root`."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    tops = {name.split("/")[0] for name in files}
    return root / tops.pop() if len(tops) == 1 and all("/" in name for name in files) else root


def miniature(name: str, root: Path) -> Path:
    return write(root, FILES[name])
