"""Command lines: one sentence for bad input, and --help at once."""

import pytest

from speech import command
from speech.errors import InputError
from tests.voices import ROOT, start_python

PACKAGES = ["speech", "training", "encoder", "synthesizer", "vocoder", "cloning", "toolbox", "web", "evaluation"]


def commands() -> list[str]:
    """Every file that can be run, as one gives it to Python."""
    scripts = [path.name for path in sorted(ROOT.glob("*.py"))]
    inside = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    runnable = [path for path in inside if '__name__ == "__main__"' in path.read_text(encoding="utf-8")]
    return scripts + ["-m " + ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in runnable]


HELP = """
import runpy, sys
name = {name!r}
sys.argv = [name, "--help"]
try:
    runpy.run_module(name, run_name="__main__") if {module} else runpy.run_path(name, run_name="__main__")
except SystemExit as end:
    heavy = sorted({{"torch", "librosa", "scipy", "matplotlib", "PyQt5", "PyQt6", "PySide6"}} & set(sys.modules))
    sys.exit(end.code or (f"imported {{heavy}}" if heavy else 0))
sys.exit("it did not exit")
"""


@pytest.mark.parametrize("name", commands())
def test_help_answers_at_once(name):
    module = name.startswith("-m ")
    process = start_python("-W", "error", "-c", HELP.format(name=name.removeprefix("-m "), module=module))
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    assert out.startswith("usage: ")
    assert name.removeprefix("-m ").removesuffix(".__main__") in out.split("\n")[0]


def fails(error: BaseException):
    def run():
        raise error

    return run


@pytest.mark.parametrize(
    ("run", "code", "said"),
    [
        (lambda: None, 0, ""),
        (lambda: 130, 130, ""),
        (fails(InputError("a.wav is empty")), 2, "error: a.wav is empty\n"),
        (fails(KeyboardInterrupt()), 130, "\nstopped\n"),
    ],
    ids=["well", "its own code", "bad input", "Ctrl-C"],
)
def test_how_commands_end(run, code, said, capsys):
    with pytest.raises(SystemExit) as end:
        command.main(run)
    assert end.value.code == code
    assert capsys.readouterr().err == said


def test_other_errors_keep_their_traceback():
    with pytest.raises(ZeroDivisionError):
        command.main(lambda: 1 // 0)


def test_a_reader_that_goes_away_is_no_error():
    """python -m encoder.preprocess ... | head -1"""
    code = "from speech import command\ndef run():\n    for i in range(100000): print(i)\ncommand.main(run)"
    process = start_python("-c", code)
    process.stdout.readline()
    process.stdout.close()
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 141
