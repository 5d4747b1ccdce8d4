"""Which lines report a metric, with which value and step, and which only look like it."""

import math

import pytest

from mlrcopilot_tui.runs.metric_lines import Found, metric_pattern, parse_line


def parse(line: str, name: str = "val_error") -> Found | None:
    return parse_line(line, name, metric_pattern(name))


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("val_error: 0.031", 0.031),
        ("val_error=0.031", 0.031),
        ("val_error = 0.031", 0.031),
        ("  val_error:0.031  ", 0.031),
        ("val_error: 1e-3", 1e-3),
        ("val_error: 1.5E+02", 150.0),
        ("val_error: -.5", -0.5),
        ("val_error: +3.", 3.0),
        ("val_error: 7", 7.0),
        ("val_error: 3.1%", 3.1),
        ("val_error: 3.1 %", 3.1),
        ("val_error (%): 3.1", 3.1),
        ("val_error [px] = 3.1", 3.1),
        ("val_error: 12ms", 12.0),
        ("val_error: 12.5 ms", 12.5),
        ("val_error: 1,234.5", 1234.5),
        ("val_error=0.03,lr=0.1", 0.03),
        ("val_error: 0.031.", 0.031),
        ("val_error: 0.031 ± 0.002", 0.031),
        ("val_error: 0.031 (best 0.02)", 0.031),
        ("loss: 0.5, val_error: 0.031, lr: 1e-4", 0.031),
        ("INFO:root:val_error: 0.031", 0.031),
        ("2026-11-20 12:30:01 | INFO | val_error=0.031", 0.031),
        ("- loss: 0.4 - val_error: 0.031", 0.031),
        (" 50%|█████     | 5/10 [00:01<00:01, 4.9it/s, val_error=0.031]", 0.031),
        ("val_error: 0.05 val_error: 0.031", 0.031),
        ("val_error: 0.031 | best val_error: 0.02", 0.031),
        ("best val_error so far: 0.02, val_error: 0.031", 0.031),
        ("val_error: tensor(0.0310)", 0.031),
        ("val_error: tensor(0.0310, device='cuda:0')", 0.031),
        ("{'val_error': np.float64(0.031)}", 0.031),
        ("**val_error**: 0.031", 0.031),
        ("**val_error:** 0.031", 0.031),
        ('{"val_error": 0.031}', 0.031),
        ('{"val_error": "0.031"}', 0.031),
        ('{"val_error": NaN, "val_error": 0.031}', 0.031),
        ('INFO {"val_error": 0.031, "step": 3}', 0.031),
        ('{"best": {"val_error": 0.02}, "val_error": 0.031}', 0.031),
        ("{'val_error': 0.031, 'best': {'val_error': 0.02}}", 0.031),
        ("{'val_error': 0.031, 'epoch': 1.0}", 0.031),
        ("{'loss': '0.5', 'val_error': '0.031'}", 0.031),
        ('{"val_error": 0.031', 0.031),
    ],
)
def test_reports(line: str, value: float) -> None:
    found = parse(line)
    assert found
    assert found.value == value


@pytest.mark.parametrize(
    "line",
    [
        "val_error_rate: 0.031",
        "my.val_error: 0.031",
        "my_val_error: 0.031",
        "ema/val_error: 0.031",
        "ema-val_error=0.031",
        "--val_error=0.031",
        "val_error.best: 0.031",
        "best val_error so far: 0.02",
        "best val_error: 0.02",
        "Lowest  val_error = 0.02",
        "previous val_error: 0.02",
        "val_error 0.031",
        "val_error is 0.031",
        "val_error: none",
        "val_error: info",
        "val_error: nanometres",
        "val_error: 1.2.3",
        "val_error: 0x1F",
        "val_error: 12:30",
        "val_error: 2026-11-20",
        "val_error: 93/100",
        "val_error: 0.5 -> 0.3",
        "val_error == other",
        "VAL_ERROR: 0.031",
        "the val_error",
        '{"val_error": true}',
        '{"val_error": null}',
        '{"val_error": [0.031]}',
        '{"val_error_rate": 0.031}',
        '{"best": {"val_error": 0.02}}',
        "{'best': {'val_error': 0.02}}",
        '{"val_error": "low"}',
    ],
)
def test_does_not_report(line: str) -> None:
    assert parse(line) is None


@pytest.mark.parametrize(
    "line",
    ["val_error: nan", "val_error=NaN,", "{'val_error': nan}", '{"val_error": NaN}', "val_error: tensor(nan)"],
)
def test_nan_is_a_value(line: str) -> None:
    found = parse(line)
    assert found
    assert math.isnan(found.value)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("val_error: inf", math.inf),
        ("val_error: -inf", -math.inf),
        ('{"val_error": Infinity}', math.inf),
        ("val_error: 1e999", math.inf),
    ],
)
def test_infinity_is_a_value(line: str, value: float) -> None:
    found = parse(line)
    assert found
    assert found.value == value


@pytest.mark.parametrize(
    ("line", "step", "total"),
    [
        ("val_error: 0.5", None, None),
        ("step 3 val_error: 0.5", 3, None),
        ("step=3 val_error: 0.5", 3, None),
        ("val_error: 0.5 at step: 3", 3, None),
        ("Epoch 3/10 val_error: 0.5", 3, 10),
        ("Epoch [3/10], Loss: 0.4, val_error: 0.5", 3, 10),
        ("epoch 3 of 10 | val_error=0.5", 3, 10),
        ("Epoch 03 | val_error=0.5", 3, None),
        ("iter 100/500: val_error: 0.5", 100, 500),
        ("iteration 100: val_error: 0.5", 100, None),
        ("Epoch 3: 50%|#### | 5/10 [00:01<00:01, val_error=0.5]", 3, None),
        ("epoch 3/10 step 700 val_error: 0.5", 700, None),
        ("epoch 3/10 step 7/100 val_error: 0.5", 3, 10),
        ("steps 12/5 val_error: 0.5", 12, None),
        ("epoch 0.53 val_error: 0.5", None, None),
        ("epoch_time=3 val_error: 0.5", None, None),
        ("timestep: 3 val_error: 0.5", None, None),
        ('{"val_error": 0.5, "step": 3}', 3, None),
        ('{"step": 3, "total": 10, "val_error": 0.5}', 3, 10),
        ('{"val_error": 0.5, "epoch": 2, "step": 300}', 300, None),
        ("{'val_error': 0.5, 'epoch': 1.0}", 1, None),
        ("{'val_error': 0.5, 'epoch': 0.53}", None, None),
        ("{'val_error': nan, 'epoch': 2.0}", 2, None),
        ('{"val_error": 0.5, "step": -1}', None, None),
    ],
)
def test_steps(line: str, step: int | None, total: int | None) -> None:
    found = parse(line)
    assert found
    assert (found.step, found.total) == (step, total)


@pytest.mark.parametrize(
    "name", ["val/acc", "acc@1", "F1 score", "val-error", "a.b", "précision", "loss(x)", "R^2", "$e"]
)
def test_names_with_punctuation(name: str) -> None:
    assert parse(f"epoch 1 {name}: 0.5", name) == Found(0.5, 1)
    assert parse(f"x{name}: 0.5", name) is None
