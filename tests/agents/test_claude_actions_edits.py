"""Changing files: exact edits, what is refused and why, and undoing byte for byte."""

import asyncio
import contextlib
import shutil
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlrcopilot_tui.agents.claude.actions import ACTIONS
from mlrcopilot_tui.agents.claude.actions.action import Action
from mlrcopilot_tui.errors import CopilotError, InputError, RefusedError
from tests.agents.claude_bench import FILES, desk
from tests.fakes.scripted_model import said


def one(search: str, replace: str, **more: int) -> dict[str, Any]:
    return {"search": search, "replace": replace, **more}


async def test_an_edit_tells_its_diff_and_says_it(tmp_path: Path) -> None:
    at = desk(tmp_path)
    done = await at.act("edit_file", path="train.py", replacements=[one("0.25", "0.5")])
    assert at.text("train.py") == FILES["train.py"].replace("0.25", "0.5")
    for line in ("--- a/train.py", "+++ b/train.py", "-RATE = 0.25", "+RATE = 0.5"):
        assert line in done.text
    assert done.edited == ("train.py",)
    [(kind, said)] = at.said
    assert kind == "action"
    assert "+RATE = 0.5" in said


async def test_several_replacements_are_one_edit(tmp_path: Path) -> None:
    at = desk(tmp_path)
    await at.act("edit_file", path="train.py", replacements=[one("RATE", "PACE", count=2), one("0.25", "0.5")])
    assert "PACE = 0.5" in at.text("train.py")
    await at.act("undo_edit", path="train.py")
    assert at.text("train.py") == FILES["train.py"]


async def test_of_several_replacements_all_or_none_are_saved(tmp_path: Path) -> None:
    at = desk(tmp_path)
    with pytest.raises(InputError, match="Replacement 2 of 2"):
        await at.act("edit_file", path="train.py", replacements=[one("0.25", "0.5"), one("absent", "x")])
    assert at.text("train.py") == FILES["train.py"]
    assert not at.said


async def test_an_ambiguous_search_is_refused_with_its_places(tmp_path: Path) -> None:
    at = desk(tmp_path)
    with pytest.raises(InputError, match=r"occurs 2 times in train\.py, at lines 3, 7.*count=2"):
        await at.act("edit_file", path="train.py", replacements=[one("RATE", "PACE")])
    with pytest.raises(InputError, match="occurs 2 times"):
        await at.act("edit_file", path="train.py", replacements=[one("RATE", "PACE", count=3)])


async def test_a_miss_shows_the_nearest_lines(tmp_path: Path) -> None:
    at = desk(tmp_path)
    with pytest.raises(InputError) as raised:
        await at.act("edit_file", path="train.py", replacements=[one("  print(RATES)", "x")])
    assert "    7     print(RATE)" in str(raised.value)
    with pytest.raises(InputError, match="indentation differ"):
        await at.act("edit_file", path="train.py", replacements=[one("\tprint(RATE)", "x")])
    with pytest.raises(InputError, match="No line is like"):
        await at.act("edit_file", path="train.py", replacements=[one("@@@@@@", "x")])


async def test_windows_line_ends_are_matched_and_kept(tmp_path: Path) -> None:
    at = desk(tmp_path, {"a.py": "a = 1\r\nb = 2\r\n"})
    await at.act("edit_file", path="a.py", replacements=[one("a = 1\nb = 2", "a = 3\nb = 4")])
    assert at.text("a.py") == "a = 3\r\nb = 4\r\n"
    await at.act("append_file", path="a.py", content="c = 5\n")
    assert at.text("a.py") == "a = 3\r\nb = 4\r\nc = 5\r\n"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("train.py", "def f(:\n    pass\n", "line 1"),
        ("train.py", "a = 1\n  b = 2\n", "line 2"),
        ("train.py", "a = '\0'\n", "would not parse"),
        ("train.py", "(" * 5_000, "would not parse"),
        ("train.py", "```python\na = 1\n```\n", "line 1"),
        ("settings.json", '{"a": 1,}', "would not parse"),
        ("settings.toml", "a = = 1", "would not parse"),
    ],
)
async def test_what_would_not_parse_is_not_saved(tmp_path: Path, name: str, text: str, said: str) -> None:
    at = desk(tmp_path)
    before = at.files()
    with pytest.raises(InputError, match=said):
        await at.act("write_file", path=name, content=text)
    assert at.files() == before
    with pytest.raises(RefusedError, match="no edit"):
        await at.act("undo_edit")


async def test_the_lines_that_do_not_parse_are_shown(tmp_path: Path) -> None:
    at = desk(tmp_path)
    with pytest.raises(InputError) as raised:
        await at.act("edit_file", path="train.py", replacements=[one("print(RATE)", "print(RATE")])
    assert "print(RATE" in str(raised.value)
    assert "was never closed" in str(raised.value)


async def test_an_odd_escape_in_a_string_is_no_error(tmp_path: Path) -> None:
    at = desk(tmp_path)
    await at.act("write_file", path="a.py", content="a = '\\d'\n")
    assert at.text("a.py") == "a = '\\d'\n"


@pytest.mark.parametrize("name", ["evaluate.py", "answers.csv", "notes.md", "mlrcopilot.toml", ".git/config"])
async def test_what_is_not_editable_stays(tmp_path: Path, name: str) -> None:
    at = desk(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/config").write_text("[core]\n")
    before = (tmp_path / ".git/config").read_bytes(), at.files()
    with pytest.raises(InputError, match=r"not editable\. Editable: \*\.py, lib/\*\*"):
        await at.act("write_file", path=name, content="x = 1\n")
    assert ((tmp_path / ".git/config").read_bytes(), at.files()) == before


async def test_an_edit_that_changes_nothing_is_refused(tmp_path: Path) -> None:
    at = desk(tmp_path)
    with pytest.raises(RefusedError, match=r"leaves train\.py as it is"):
        await at.act("write_file", path="train.py", content=FILES["train.py"])


async def test_a_file_in_a_new_folder_is_made_and_undone(tmp_path: Path) -> None:
    at = desk(tmp_path)
    done = await at.act("write_file", path="lib/new/a.py", content="a = 1\n")
    assert done.text.startswith("Made lib/new/a.py")
    assert "--- /dev/null" in done.text
    undone = await at.act("undo_edit")
    assert "gone again" in undone.text
    assert not (tmp_path / "lib/new/a.py").exists()


async def test_a_copy_over_a_file_can_be_undone(tmp_path: Path) -> None:
    at = desk(tmp_path)
    await at.act("copy_file", source="evaluate.py", destination="train.py")
    assert at.text("train.py") == FILES["evaluate.py"]
    await at.act("undo_edit", path="train.py")
    assert at.text("train.py") == FILES["train.py"]


async def test_undo_is_by_file_and_as_deep_as_the_edits(tmp_path: Path) -> None:
    at = desk(tmp_path)
    for text in ("a = 1\n", "a = 2\n", "a = 3\n"):
        await at.act("write_file", path="train.py", content=text)
        await at.act("write_file", path="b.py", content=text)
    for text in ("a = 2\n", "a = 1\n", FILES["train.py"]):
        await at.act("undo_edit", path="train.py")
        assert at.text("train.py") == text
    assert at.text("b.py") == "a = 3\n"
    with pytest.raises(RefusedError, match=r"no edit of train\.py left"):
        await at.act("undo_edit", path="train.py")


async def test_a_segment_is_replaced_where_its_first_line_is_right(tmp_path: Path) -> None:
    at = desk(tmp_path, {"a.py": "a = 1\nb = 2\nc = 3\n"})
    segment = {"path": "a.py", "start_line": 2, "end_line": 3}
    with pytest.raises(InputError, match=r"Line 2 of a\.py is another"):
        await at.act("edit_script_segment", **segment, old_first_line="c = 3", content="x = 0")
    await at.act("edit_script_segment", **segment, old_first_line="b = 2", content="x = 0")
    assert at.text("a.py") == "a = 1\nx = 0"
    await at.act("edit_script_segment", path="a.py", start_line=3, end_line=2, old_first_line="", content="z = 9\n")
    assert at.text("a.py") == "a = 1\nx = 0\nz = 9\n"
    await at.act("edit_script_segment", path="a.py", start_line=2, end_line=1, old_first_line="x = 0", content="y = 5")
    assert at.text("a.py") == "a = 1\ny = 5\nx = 0\nz = 9\n"
    await at.act("edit_script_segment", path="a.py", start_line=1, end_line=3, old_first_line="a = 1", content="")
    assert at.text("a.py") == "z = 9\n"
    with pytest.raises(InputError, match="has no lines 5-6"):
        await at.act("edit_script_segment", path="a.py", start_line=5, end_line=6, old_first_line="", content="x")


async def test_a_line_is_known_by_what_was_shown_of_it(tmp_path: Path) -> None:
    at = desk(tmp_path, {"a.py": "a = 1  # \u200bcount\n"})
    await at.act(
        "edit_script_segment", path="a.py", start_line=1, end_line=1, old_first_line="a = 1  # count", content="b = 2\n"
    )
    assert at.text("a.py") == "b = 2\n"


async def test_a_huge_change_is_told_briefly(tmp_path: Path) -> None:
    at = desk(tmp_path)
    done = await at.act("write_file", path="a.txt", content="line\n" * 200_000)
    assert len(done.text) < 1_000
    done = await at.act("write_file", path="b.txt", content="line\n" * 20_000)
    assert len(done.text) < 6_500


ANYTHING = st.one_of(
    st.text(max_size=30),
    st.text(alphabet=st.sampled_from("train.py[]*?!-{}()\\/ \n\ud800\x1b'\"ab01"), max_size=30),
    st.sampled_from(["train.py", "lib/x.py", "[z-a]", "(a", "a" * 600, "\ud800", "new.json", "new.toml", "new.py"]),
)


@settings(max_examples=250)
@given(
    st.sampled_from([action for action in ACTIONS if action.name not in {"retrieve_model", "retrieve_dataset"}]),
    st.lists(ANYTHING, min_size=6, max_size=6),
    st.lists(st.integers(-2, 300), min_size=3, max_size=3),
    st.booleans(),
)
def test_no_input_breaks_an_action(action: Action, texts: list[str], numbers: list[int], flag: bool) -> None:
    at = desk(None, FILES, *[said("a word")] * 5)
    values = {str: iter(texts), int: iter(numbers), bool: iter([flag] * 3)}
    asked: dict[str, Any] = {}
    for name, kind in get_type_hints(action.schema).items():
        if kind in values:
            asked[name] = next(values[kind])
        elif name == "replacements":
            asked[name] = [one(texts[4], texts[5])]
        elif name == "arguments":
            asked[name] = texts[4:]
    with contextlib.suppress(CopilotError, msgspec.ValidationError):
        seen = asyncio.run(at.act(action.name, **asked))
        assert len(seen.text) < 8_000
        assert "\x1b" not in seen.text
    shutil.rmtree(at.folder)


NAMES = st.sampled_from(["train.py", "a.txt", "lib/b.txt", "evaluate.py", "crlf.txt"])
TEXTS = st.text(alphabet=st.sampled_from("ab \n\r\té\u2028x="), max_size=12)
EDITS = st.one_of(
    st.tuples(st.just("write_file"), st.fixed_dictionaries({"path": NAMES, "content": TEXTS})),
    st.tuples(st.just("append_file"), st.fixed_dictionaries({"path": NAMES, "content": TEXTS.filter(bool)})),
    st.tuples(st.just("copy_file"), st.fixed_dictionaries({"source": NAMES, "destination": NAMES})),
    st.tuples(
        st.just("edit_file"),
        st.builds(
            lambda path, search, replace, count: {"path": path, "replacements": [one(search, replace, count=count)]},
            NAMES, TEXTS.filter(bool), TEXTS, st.integers(1, 3),
        ),
    ),
    st.tuples(
        st.just("edit_script_segment"),
        st.builds(
            lambda path, start, size, old, new: {
                "path": path, "start_line": start, "end_line": start + size - 1, "old_first_line": old, "content": new
            },
            NAMES, st.integers(1, 4), st.integers(0, 2), st.sampled_from(["", "a", "RATE = 0.25"]), TEXTS,
        ),
    ),
    st.tuples(st.just("undo_edit"), st.fixed_dictionaries({"path": st.one_of(st.just(""), NAMES)})),
)  # fmt: skip


@settings(max_examples=150)
@given(st.lists(EDITS, max_size=12), st.booleans())
def test_as_many_undos_as_edits_give_everything_back(edits: list[tuple[str, dict[str, Any]]], by_file: bool) -> None:
    at = desk(None, {"train.py": FILES["train.py"], "evaluate.py": "ANSWER = 42\n", "crlf.txt": "a\r\nb\r\nx"})
    before = at.files()

    async def all_of_it() -> None:
        for name, asked in edits:
            with contextlib.suppress(CopilotError):
                await at.act(name, **asked)
        paths = [str(edit.path) for edit in at.bench.edits.edits]
        for path in sorted(paths) if by_file else [""] * len(paths):
            await at.act("undo_edit", path=path)

    asyncio.run(all_of_it())
    assert at.files() == before
    shutil.rmtree(at.folder)
