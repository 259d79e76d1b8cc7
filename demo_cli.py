"""Clone a voice from the shell. `python demo_cli.py --help` says how."""

import argparse
import itertools
import sys
import time
from pathlib import Path

from speech import command
from speech.errors import InputError

DESCRIPTION = """\
Say a text in the voice of a recording.

  python demo_cli.py --reference me.wav --text "Hello there." --output hello.wav --plot hello.png

With --stream a long text is heard and written from its first sentence on, while the rest is still being made:

  python demo_cli.py --reference me.wav --text-file book.txt --output book.wav --stream
  python demo_cli.py --reference me.wav --text-file book.txt --output - --stream | ffplay -nodisp -

Without --reference and --text it asks for them, again and again, until end-of-file (Ctrl-D)."""


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add(
        "--reference", nargs="+", metavar="FILE", help="recordings of one voice, 5 s or more in all; or one .voice file"
    )
    add("--text", help="what to say, in English")
    add("--text-file", type=Path, metavar="FILE", help="a UTF-8 file with what to say, for long texts")
    add("--output", type=Path, metavar="OUT.wav", help="where to write the sound (.wav, .flac, .ogg, .opus, .mp3)")
    add(
        "--stream", action="store_true",
        help="write each sentence as it is made, and play it if a speaker is found; OUT is a .wav, or - for standard "
        "output. Ctrl-C keeps what was said so far",
    )  # fmt: skip
    add("--plot", type=Path, metavar="OUT.png", help="also draw waveform, mel and alignment")
    add("--save-voice", type=Path, metavar="OUT.voice", help="also keep the voice, to be given as --reference later")
    add("--seed", type=int, help="the same seed gives the same sound; without one each run differs")
    add("--device", default="auto", help="auto, cpu or cuda (default auto)")
    for stage in ("encoder", "synthesizer"):
        add(f"--{stage}", type=Path, metavar="DIR", help=f"{stage} checkpoint (default saved_models/default/{stage})")
    add(
        "--vocoder",
        metavar="DIR|griffin_lim",
        help="vocoder checkpoint (default saved_models/default/vocoder), or griffin_lim",
    )
    arguments = parser.parse_args()
    if arguments.text is not None and arguments.text_file:
        parser.error("give --text or --text-file, not both")
    spoken = arguments.text is not None or arguments.text_file is not None
    if spoken != bool(arguments.reference):
        parser.error("--reference and --text (or --text-file) belong together; give both, or neither to be asked")
    if spoken and not arguments.output:
        parser.error("--output is needed: where should the sound be written?")
    if arguments.stream:
        if arguments.plot:
            parser.error("--plot draws a whole clone; leave --stream or --plot out")
        if arguments.output and str(arguments.output) != "-" and arguments.output.suffix.lower() != ".wav":
            parser.error(f"--stream writes a .wav, or to standard output (-); found {arguments.output}")
    elif str(arguments.output) == "-":
        parser.error("--output - (standard output) needs --stream")
    return arguments


def main() -> int:
    arguments = parse()
    if arguments.reference is None:
        return ask(arguments)
    text = arguments.text if arguments.text is not None else read_text(arguments.text_file)
    check_writable(arguments.output if str(arguments.output) != "-" else None, arguments.plot, arguments.save_voice)
    say(load(arguments), arguments.reference, text, arguments.output, arguments)
    return 0


def load(arguments: argparse.Namespace):
    from cloning import Cloner

    folder = Path(__file__).parent / "saved_models/default"
    return Cloner.load(folder, arguments.encoder, arguments.synthesizer, arguments.vocoder, arguments.device)


def say(cloner, reference: list[str], text: str, output: Path, arguments: argparse.Namespace) -> None:
    """Clone, write what was asked for, and tell where."""
    voice = cloner.voice(reference[0] if len(reference) == 1 else reference)
    if arguments.stream:
        pieces = cloner.stream(text, voice, arguments.seed)
        tell_left_out(text)
        say_as_it_is_made(pieces, output)
    else:
        say_whole(cloner, voice, text, output, arguments)
    if arguments.save_voice:
        print(
            f"{voice.write(arguments.save_voice)}: the voice, for --reference",
            file=sys.stderr if arguments.stream else None,
        )


def tell_left_out(text: str) -> None:
    from synthesizer.text import unknown_characters

    unknown = unknown_characters(text)
    if unknown:
        print("left out: " + ", ".join(f"{character!r} ({name})" for character, name in unknown), file=sys.stderr)


def say_as_it_is_made(pieces, output: Path) -> None:
    """Write and play each piece when it comes."""
    from cloning.streaming import GrowingWav

    began, file, player = time.perf_counter(), None, None
    try:
        for piece in pieces:
            if file is None:
                print(f"first sound after {time.perf_counter() - began:.2f} s", file=sys.stderr)
                file, player = GrowingWav(output, piece.sample_rate), find_player()
            file.write(piece)
            if player:
                player.play(piece)
        print(f"{output}: {file.seconds:.1f} s of speech in {time.perf_counter() - began:.1f} s", file=sys.stderr)
        if player:
            player.finish()
    except KeyboardInterrupt:
        if player:
            player.stop()
        if file:
            print(f"\n{output} holds the first {file.seconds:.1f} s", file=sys.stderr)
        raise
    finally:
        if file:
            file.close()


def find_player():
    from cloning.streaming import Player

    try:
        return Player()
    except InputError as error:
        print(f"written only, not played: {error}", file=sys.stderr)
        return None


def say_whole(cloner, voice, text: str, output: Path, arguments: argparse.Namespace) -> None:
    (clone,) = cloner.make([text], [voice], arguments.seed)
    tell_left_out(text)
    unfinished = sum(not piece.finished for piece in clone.pieces)
    if unfinished:
        print(f"warning: {unfinished} of {len(clone.pieces)} pieces did not end by themselves", file=sys.stderr)
    clone.wave.write(output)
    print(f"{output}: {clone.wave.seconds:.1f} s of speech in {sum(clone.seconds.values()):.1f} s", end=" ")
    parts = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in clone.seconds.items())
    print(f"(real-time factor {clone.real_time_factor:.2f}: {parts})")
    if arguments.plot:
        from cloning.pictures import plot_clone

        print(f"{plot_clone(clone, arguments.plot, text)}: waveform, mel and alignment")


def ask(arguments: argparse.Namespace) -> int:
    """The conversation without --reference and --text."""
    print("Timbre clones a voice. Ctrl-D ends.")
    cloner = None
    for number in itertools.count():
        try:
            reference = input("\nRecording of the voice (a sound file of a few seconds): ").strip().strip("'\"")
            text = input("What to say: ").strip()
        except EOFError:
            print("\nGoodbye.")
            return 0
        output = arguments.output or Path(f"demo_output_{number:02d}.wav")
        try:
            cloner = cloner or load(arguments)
            say(cloner, [reference], text, output, arguments)
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
    return 0


def read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8") from error


def check_writable(*paths: Path | None) -> None:
    """Better now than after the work."""
    from speech.files import check_can_write

    for path in paths:
        if path:
            check_can_write(path)


if __name__ == "__main__":
    command.main(main)
