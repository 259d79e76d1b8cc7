"""The floors of docs and design: who may import whom, where Qt may be, and that nothing is ever unpickled."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STAGES, SCREENS = {"encoder", "synthesizer", "vocoder"}, {"toolbox", "web", "evaluation"}
MAY_IMPORT = {"speech": set(), "training": {"speech"}, "cloning": {"speech", "training"} | STAGES}
MAY_IMPORT |= {stage: {"speech", "training"} for stage in STAGES}
MAY_IMPORT |= {screen: {"speech", "training", "cloning"} | STAGES for screen in SCREENS}
SCRIPTS = sorted(ROOT.glob("*.py"))
QT = {"PyQt5", "PyQt6", "PySide2", "PySide6", "qtpy", "pyqtgraph"}
SERVERS = {"fastapi", "starlette", "uvicorn"}
PICKLES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "shelve"}


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


ALL = [*SCRIPTS, *(path for package in [*MAY_IMPORT, "recipes", "benchmarks"] for path in sources(package))]


def imported(path: Path) -> set[str]:
    """Whole names of the modules a file imports, at its top or anywhere inside."""
    names = set()
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            names.add(".".join([*above, *([node.module] if node.module else [])]))
    return names


def tops(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(path)}


def test_the_floors_are_there():
    assert all(sources(package) for package in ["speech", "training", "cloning", "toolbox", *STAGES])


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_floors(package):
    ours = set(MAY_IMPORT) | {path.stem for path in SCRIPTS}
    allowed = MAY_IMPORT[package] | {package}
    wrong = {str(path.relative_to(ROOT)): tops(path) & ours - allowed for path in sources(package)}
    assert {path: names for path, names in wrong.items() if names} == {}


def test_nothing_imports_the_tests():
    assert [path for path in ALL if "tests" in tops(path)] == []


def test_qt_is_imported_in_the_toolbox_alone():
    outside = [path for path in ALL if path.relative_to(ROOT).parts[0] != "toolbox"]
    assert [path for path in outside if tops(path) & QT or any("backend_qt" in name for name in imported(path))] == []


def test_http_is_served_in_web_alone():
    outside = [path for path in ALL if path.relative_to(ROOT).parts[0] != "web"]
    assert [path for path in outside if tops(path) & SERVERS] == []


def test_nothing_is_unpickled():
    """A pickle runs code. Published checkpoints may be read by torch.load(..., weights_only=True), which does not."""
    wrong = []
    for path in ALL:
        if tops(path) & PICKLES:
            wrong.append(f"{path}: imports a pickler")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            options = {keyword.arg: getattr(keyword.value, "value", None) for keyword in node.keywords}
            if ast.unparse(node.func) in ("torch.load", "joblib.load") and options.get("weights_only") is not True:
                wrong.append(f"{path}:{node.lineno}: {ast.unparse(node)}")
            if options.get("allow_pickle"):
                wrong.append(f"{path}:{node.lineno}: {ast.unparse(node)}")
    assert wrong == []
