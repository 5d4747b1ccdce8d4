"""What is shipped works as it says: the starters train, the measure cannot be talked round, the papers are theirs."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from pypdf import PdfReader

from mlrcopilot_tui.resources import shipped
from mlrcopilot_tui.workspace.config import load_config
from mlrcopilot_tui.workspace.templates import create_workspace, find_template
from tests.workspace import template_variants as variants
from tests.workspace.template_variants import Edit


@pytest.fixture(scope="module")
def starters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """A workspace of each template; tests copy what they change."""
    folder = tmp_path_factory.mktemp("starters")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLRCOPILOT_HOME", str(folder / "nobody"))
        yield {name: create_workspace(find_template(name), folder / name) for name in ("digits", "charlm")}


def run_python(workspace: Path, *arguments: str, seed: int = 0) -> "subprocess.CompletedProcess[str]":
    """Python in the workspace, with the environment that its contract gives to a run."""
    own = {**load_config(workspace).config.run.env, "MLRCOPILOT_SEED": str(seed), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=workspace,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        check=False,
    )


def curve(workspace: Path, *, seed: int = 0) -> list[float]:
    """Every value of the metric that a run prints, its result last."""
    done = run_python(workspace, "train.py", seed=seed)
    assert done.returncode == 0, done.stderr
    name = load_config(workspace).config.metric.name
    assert re.fullmatch(rf"{name}: [\d.]+", done.stdout.splitlines()[-1])
    return [float(value) for value in re.findall(rf"\b{name}: ([\d.]+)$", done.stdout, re.MULTILINE)]


def improved(workspace: Path, edits: Iterable[Edit], folder: Path) -> Path:
    """A copy of the workspace with a changed train.py."""
    shutil.copytree(workspace, folder, ignore=shutil.ignore_patterns(".git"))
    source = (folder / "train.py").read_text()
    for old, new in edits:
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    (folder / "train.py").write_text(source)
    return folder


def refusal(workspace: Path, code: str) -> str:
    """The last line of the traceback in which `code` ends."""
    done = run_python(workspace, "-c", code)
    assert done.returncode == 1, done.stdout
    return done.stderr.strip().splitlines()[-1]


def test_digits_learns_over_epochs_depends_on_the_seed_alone_and_has_headroom(
    starters: dict[str, Path], tmp_path: Path
) -> None:
    first = curve(starters["digits"], seed=0)
    assert len(first) > 50
    assert first[0] > 0.5 > first[len(first) // 4] > first[-1]
    assert 0.08 < first[-1] < 0.16
    assert curve(starters["digits"], seed=0) == first
    assert curve(starters["digits"], seed=1)[-1] != first[-1]
    assert curve(improved(starters["digits"], variants.DIGITS_FASTER, tmp_path / "better"))[-1] < 0.9 * first[-1]


def test_charlm_learns_over_its_parts_is_deterministic_and_has_headroom(
    starters: dict[str, Path], tmp_path: Path
) -> None:
    first = curve(starters["charlm"], seed=0)
    assert len(first) == 11
    assert first[0] > first[4] > first[9]
    assert 2.4 < first[-1] < 3.1
    assert curve(starters["charlm"], seed=1) == first
    assert curve(improved(starters["charlm"], variants.CHARLM_KNOBS, tmp_path / "better"))[-1] < 0.9 * first[-1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "edits", "gain"),
    [
        pytest.param("digits", variants.DIGITS_GRADIENTS, 0.2, id="digits: gradients"),
        pytest.param("digits", variants.DIGITS_SPREADING, 0.2, id="digits: label spreading"),
        pytest.param("charlm", variants.CHARLM_WITTEN_BELL, 0.15, id="charlm: Witten-Bell"),
        pytest.param("charlm", variants.CHARLM_ONLINE, 0.25, id="charlm: counts on"),
    ],
)
def test_known_techniques_find_their_headroom(
    starters: dict[str, Path], tmp_path: Path, name: str, edits: Iterable[Edit], gain: float
) -> None:
    better = improved(starters[name], edits, tmp_path / "better")
    assert curve(better)[-1] < (1 - gain) * curve(starters[name])[-1]


@pytest.mark.parametrize(
    ("probability", "said"),
    [
        ("1.0", "add up to 96"),
        ("0.5 if char == 'e' else 0.5 / 96", "add up to"),
        ("1.0 if char == 'e' else 0.0", "no chance at all"),
        ("2.0 if char == 'e' else -1.0 / 95", "smallest -0.0105"),
        ("float('nan')", "add up to nan"),
    ],
)
def test_charlm_refuses_a_model_that_is_no_distribution(starters: dict[str, Path], probability: str, said: str) -> None:
    code = f"""
import evaluate
class Model:
    def prob(self, context, char):
        return {probability}
evaluate.validation_bits(Model())
"""
    message = refusal(starters["charlm"], code)
    assert message.startswith("ValueError")
    assert said in message


def test_charlm_shows_a_model_only_what_is_past(starters: dict[str, Path]) -> None:
    code = """
import evaluate
text = open("data/dev.txt").read()
class Model:
    seen = ""
    def observe(self, text):
        self.seen += text
    def prob(self, context, char):
        assert self.seen.endswith(context) and text.startswith(self.seen)
        assert (len(self.seen) - 32) % 10 == 0
        return 1 / 96
print(evaluate.development_bits(Model()))
"""
    done = run_python(starters["charlm"], "-c", code)
    assert done.stdout.startswith("6.584"), done.stderr


def test_charlm_reads_its_validation_text_once(starters: dict[str, Path]) -> None:
    code = """
import evaluate
class Model:
    def prob(self, context, char):
        return 1 / 96
evaluate.validation_bits(Model())
evaluate.validation_bits(Model())
"""
    assert refusal(starters["charlm"], code).startswith("RuntimeError: the validation text is read once")


def test_charlms_corpus_is_the_same_each_time_and_its_texts_share_no_file(
    starters: dict[str, Path], tmp_path: Path
) -> None:
    hook = shipped("templates") / "charlm" / "prepare.py"
    subprocess.run([sys.executable, "-I", hook, tmp_path], check=True)
    for file in ("train.txt", "dev.txt", "valid.txt", "SOURCES.txt"):
        assert (tmp_path / "data" / file).read_bytes() == (starters["charlm"] / "data" / file).read_bytes()
    listed = re.findall(r"^  (\S+)$", (tmp_path / "data" / "SOURCES.txt").read_text(), re.MULTILINE)
    assert len(set(listed)) == len(listed) > 50


@pytest.mark.parametrize("answer", ["images[:, 0, 0]", "[0]", "0"])
def test_digits_counts_every_validation_image(starters: dict[str, Path], answer: str) -> None:
    code = f"import evaluate; print(evaluate.validation_error(lambda images: {answer}))"
    if answer.startswith("images"):
        assert run_python(starters["digits"], "-c", code).stdout.startswith("0.9")
    else:
        assert refusal(starters["digits"], code).startswith("ValueError: predict returned shape")


def test_digits_gives_ten_labels_a_class_and_none_of_the_validation_images(starters: dict[str, Path]) -> None:
    code = """
import numpy as np, evaluate
images, labels, unlabelled = evaluate.few_labels(3)
shown = {image.tobytes() for image in np.concatenate([images, unlabelled])}
asked = []
evaluate.validation_error(lambda batch: asked.extend(batch) or np.zeros(len(batch)))
print(np.bincount(labels).tolist(), len(shown), len(asked), sum(image.tobytes() in shown for image in asked))
"""
    assert run_python(starters["digits"], "-c", code).stdout.split("] ") == [
        "[" + ", ".join(["10"] * 10),
        "1000 797 0\n",
    ]


@pytest.mark.parametrize("name", ["digits", "charlm"])
def test_a_paper_is_built_from_its_source_with_the_same_bytes_each_time(tmp_path: Path, name: str) -> None:
    builder = shipped("templates") / "build_papers.py"
    code = f"""
import runpy, pathlib, sys
runpy.run_path({str(builder)!r})["build"](pathlib.Path({str(builder.parent / name)!r}), pathlib.Path(sys.argv[1]))
"""
    for clock in ("UTC", "Asia/Tokyo"):
        environment = {**os.environ, "TZ": clock, "PYTHONHASHSEED": str(len(clock))}
        subprocess.run([sys.executable, "-c", code, tmp_path / clock.replace("/", "-")], env=environment, check=True)
    assert (tmp_path / "UTC").read_bytes() == (tmp_path / "Asia-Tokyo").read_bytes()
    # Words rather than bytes: another version of reportlab may write the same page in another way.
    committed, rebuilt = (words(path) for path in (builder.parent / name / "workspace" / "paper.pdf", tmp_path / "UTC"))
    assert committed == rebuilt, "run workspace_templates/build_papers.py"


def words(pdf: Path) -> list[str]:
    return " ".join(page.extract_text() for page in PdfReader(pdf).pages).split()


def test_papers_are_short_and_one_has_an_outline() -> None:
    readers = {path.parent.parent.name: PdfReader(path) for path in shipped("templates").glob("*/workspace/paper.pdf")}
    assert set(readers) == {"digits", "charlm"}
    assert all(2 <= len(reader.pages) <= 4 for reader in readers.values())
    assert {name: bool(reader.outline) for name, reader in readers.items()} == {"digits": True, "charlm": False}
