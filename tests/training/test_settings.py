import json
import math
from dataclasses import dataclass, replace

import pytest

from speech.errors import InputError
from speech.mel import MelConfig
from training.config import Settings, differences, from_json, known_settings, override, to_json
from training.registry import model_module, model_names, preset
from training.schedule import Schedule


@dataclass(frozen=True)
class Config:
    units: int = 4
    rate: float = 0.5
    fast: bool = False
    name: str = "plain"
    kernels: tuple[int, ...] = (3, 7)
    pairs: tuple[tuple[int, int], ...] = ((0, 2),)
    limit: float | None = None


SETTINGS = Settings(MelConfig(), Config(), Schedule())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("units=12", 12),
        ("rate=2", 2.0),
        ("rate=1e-3", 1e-3),
        ("fast=true", True),
        ("fast=True", True),
        ("name=fancy", "fancy"),
        ("name=12", "12"),
        ("kernels=[5, 9, 11]", (5, 9, 11)),
        ("kernels=[]", ()),
        ("pairs=[[1, 2], [3, 4]]", ((1, 2), (3, 4))),
        ("limit=3", 3.0),
        ("limit=null", None),
        ("limit=None", None),
        ("  units = 7 ", 7),
    ],
)
def test_a_setting_is_changed_and_keeps_its_type(text, value):
    made = override(SETTINGS, [f"model.{text.strip()}"])
    found = getattr(made.model, text.partition("=")[0].strip())
    assert found == value
    assert type(found) is type(value)
    assert replace(made, model=SETTINGS.model) == SETTINGS


def test_several_are_changed_at_once_and_the_last_counts():
    made = override(SETTINGS, ["schedule.steps=10", "mel.n_mels=40", "schedule.steps=20"])
    assert (made.schedule.steps, made.mel.n_mels) == (20, 40)
    # Valid only together.
    made = override(SETTINGS, ["schedule.learning_rate=1e-6", "schedule.final_learning_rate=1e-7"])
    assert made.schedule.learning_rate == 1e-6


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model.units=many", "model.units takes a whole number; found 'many'"),
        ("model.units=1.5", "model.units takes a whole number; found 1.5"),
        ("model.units=true", "model.units takes a whole number; found True"),
        ("model.units=", "model.units takes a whole number; found ''"),
        ("model.rate=[1]", r"model.rate takes a number; found \[1\]"),
        ("model.fast=1", "model.fast takes true or false; found 1"),
        ("model.kernels=3", "model.kernels takes a value such as"),
        ("model.kernels=[1.5]", r"model.kernels\[0\] takes a whole number; found 1.5"),
        ("model.pairs=[[1, 2, 3]]", r"model.pairs\[0\] takes a value such as .* found \[1, 2, 3\]"),
        ("model.pairs=[[1]]", r"model.pairs\[0\] takes a value such as"),
        ("model.unit=3", "there is no setting 'model.unit'; known are: model.units, model.rate"),
        ("steps=3", "there is no setting 'steps'; known are: mel.sample_rate.*model.units.*schedule.steps"),
        ("schedule=3", "'schedule' is not a single setting; known are: schedule.steps"),
        ("schedule.steps.x=3", "'schedule.steps.x' is not a single setting"),
        ("schedule.steps", "--set takes path=value"),
        ("schedule.steps=0", "schedule.steps must be at least 1; found 0"),
        ("schedule.seed=-1", "schedule.seed must not be negative"),
        ("schedule.ema=1", r"schedule.ema must lie in \[0, 1\)"),
        ("schedule.learning_rate=1e-9", "0 < final_learning_rate <= learning_rate"),
        ("schedule.learning_rate=NaN", "0 < final_learning_rate <= learning_rate"),
        ("mel.hop_length=2000", "hop_length <= win_length"),
    ],
)
def test_what_cannot_be_set_is_named(text, said):
    with pytest.raises(InputError, match=said):
        override(SETTINGS, [text])


def test_every_known_setting_can_be_set():
    paths = known_settings(SETTINGS)
    assert "schedule.learning_rate" in paths
    for path in paths:
        value = SETTINGS
        for key in path.split("."):
            value = getattr(value, key)
        text = value if isinstance(value, str) else json.dumps(value)
        assert override(SETTINGS, [f"{path}={text}"]) == SETTINGS


def test_settings_go_through_json():
    changed = Settings(MelConfig(n_mels=20), Config(kernels=(1,), limit=2.0, name="Zoë"), Schedule(steps=3, bf16=False))
    for settings in (SETTINGS, changed):
        data = json.loads(json.dumps(to_json(settings)))
        assert from_json(Config, data["model"], "x") == settings.model
        assert from_json(MelConfig, data["mel"], "x") == settings.mel
        assert from_json(Schedule, data["schedule"], "x") == settings.schedule


@pytest.mark.parametrize("stage", ["encoder", "synthesizer", "vocoder"])
def test_every_preset_goes_through_json(stage):
    for name in model_names(stage):
        module = model_module(stage, name)
        for config in module.PRESETS.values():
            assert from_json(module.Config, json.loads(json.dumps(to_json(config))), name) == config


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"units": "4"}, "file: units|file.units takes a whole number; found '4'"),
        ({"unknown": 1}, "file has unknown settings unknown; known are: units"),
        ({"units": ...}, "file lacks the settings units"),
    ],
)
def test_json_that_does_not_fit_is_named(change, said):
    data = {key: value for key, value in (to_json(Config()) | change).items() if value is not ...}
    with pytest.raises(InputError, match=said):
        from_json(Config, data, "file")


@pytest.mark.parametrize("data", [None, 3, [], "text", [1]])
def test_json_that_is_no_object_is_named(data):
    with pytest.raises(InputError, match="file takes an object of settings"):
        from_json(Config, data, "file")


def test_differences_are_told_field_by_field():
    one, other = to_json(Config()), to_json(Config(units=5, kernels=(7, 3)))
    assert differences(one, one) == []
    assert differences({"model": one}, {"model": other}) == [
        "model.kernels: in another order",
        "model.units: 4 there, 5 asked",
    ]
    assert differences({"symbols": ["a", "b"]}, {"symbols": ["b", "c"]}) == [
        "symbols: there alone ['a'], asked alone ['c']"
    ]
    assert differences({"x": 1}, {}) == ["x: 1 there, None asked"]


def test_the_learning_rate_is_a_function_of_the_step():
    schedule = Schedule(steps=1000, learning_rate=1e-2, final_learning_rate=1e-4, warmup=10, hold=200)
    assert schedule.learning_rate_at(0) == pytest.approx(1e-3)
    assert schedule.learning_rate_at(4) == pytest.approx(5e-3)
    assert [schedule.learning_rate_at(step) for step in (9, 100, 200)] == pytest.approx([1e-2] * 3)
    assert schedule.learning_rate_at(600) == pytest.approx(1e-3)  # half way down, exponentially
    assert schedule.learning_rate_at(1000) == pytest.approx(1e-4)
    assert schedule.learning_rate_at(5000) == pytest.approx(1e-4)
    rates = [schedule.learning_rate_at(step) for step in range(200, 1000)]
    assert rates == sorted(rates, reverse=True)


@pytest.mark.parametrize("changes", [{"warmup": 0}, {"hold": 100_000}, {"hold": 200_000}, {"steps": 1}])
def test_the_learning_rate_is_a_number_whatever_the_schedule(changes):
    schedule = Schedule(**changes)
    for step in (0, 1, 99_999, 100_000, 10**9):
        assert 0 < schedule.learning_rate_at(step) <= schedule.learning_rate
        assert math.isfinite(schedule.learning_rate_at(step))


def test_models_and_presets_are_found_by_name():
    assert "ge2e" in model_names("encoder")
    module = model_module("encoder", "ge2e")
    assert preset(module, None) == next(iter(module.PRESETS.values()))
    with pytest.raises(InputError, match=r"encoder has no model 'gee'; known are: .*ge2e"):
        model_module("encoder", "gee")
    with pytest.raises(InputError, match="no preset 'huge'; known are: paper"):
        preset(module, "huge")
