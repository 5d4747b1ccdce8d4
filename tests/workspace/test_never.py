"""What is never done to a researcher's repository, whoever changes this program: looked up in its own code."""

import ast
from functools import cache
from pathlib import Path

import pytest

import mlrcopilot_tui
from mlrcopilot_tui.workspace.gitcommand import NEVER, run_git

PACKAGE = Path(mlrcopilot_tui.__file__).parent
DOOR = PACKAGE / "workspace" / "gitcommand.py"
WRITES_TREES = {"read-tree", "write-tree", "update-index", "apply", "checkout-index", "add", "revert", "cherry-pick"}
"""What works on an index or a work tree: only ever on one that is told, and so is not the researcher's."""
FRESH = {"create_repository", "init_repository"}
"""Where the repository was made a moment ago, so that nobody has anything in it yet."""


@cache
def sources() -> tuple[tuple[Path, ast.Module], ...]:
    """Every module; parsed once, for that takes a second."""
    return tuple((path, ast.parse(path.read_text("utf-8"))) for path in sorted(PACKAGE.rglob("*.py")))


def words_of(call: ast.Call) -> list[str]:
    """The text constants among a call's arguments, in order."""
    constants = (node for arg in call.args for node in ast.walk(arg) if isinstance(node, ast.Constant))
    return [constant.value for constant in constants if isinstance(constant.value, str)]


def command_of(call: ast.Call) -> str:
    """The first word of what a call runs; empty where it is no constant."""
    first: ast.expr | None = call.args[0] if call.args else None
    first = first.value if isinstance(first, ast.Starred) else first
    if isinstance(first, ast.Tuple | ast.List) and first.elts:
        first = first.elts[0]
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


@cache
def calls(tree: ast.Module) -> tuple[tuple[str, ast.Call], ...]:
    """Every call with the function that it is in."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return tuple(
        (function.name, node) for function in functions for node in ast.walk(function) if isinstance(node, ast.Call)
    )


def _called(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute) and getattr(function.value, "id", "") == "subprocess":
        return f"subprocess.{function.attr}"
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


@pytest.mark.parametrize("command", sorted(NEVER))
def test_the_door_refuses(command: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is nothing that this program may do"):
        run_git([command, "--help"], tmp_path)


def test_nobody_goes_round_the_door() -> None:
    for path, tree in sources():
        imported = {
            name
            for node in ast.walk(tree)
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        assert path == DOOR or not {name for name in imported if name.split(".")[0] == "git"}, path
        for where, call in calls(tree):
            if _called(call).startswith("subprocess."):
                assert command_of(call) != "git", f"{path}: {where}"


def test_an_index_or_a_work_tree_is_always_one_that_is_told() -> None:
    seen = set()
    for path, tree in sources():
        for where, call in calls(tree):
            command = command_of(call)
            if _called(call) == "run" and command in WRITES_TREES and where not in FRESH:
                seen.add(command)
                told = {keyword.arg for keyword in call.keywords}
                assert told & {"dirs", "environment"}, f"{path}: {where} runs git {command} on whatever is there"
    assert seen > {"read-tree", "update-index", "apply", "checkout-index"}, "the look-up finds what it looks for"


def test_nothing_is_forced_upon_a_ref() -> None:
    for path, tree in sources():
        for where, call in calls(tree):
            if _called(call) in {"run", "run_git"}:
                words, command = words_of(call), command_of(call)
                assert command not in NEVER, f"{path}: {where}"
                assert not command.startswith("-"), f"{path}: {where} hides its command behind an option"
                assert not {"--hard", "-D", "--delete", "--prune"} & {*words}, f"{path}: {where}"
                if command == "update-ref" and "--stdin" not in words:
                    assert len(call.args) >= 4 or "HEAD" in words, f"{path}: {where} moves a ref from anywhere"
