"""Judges whether a rewritten file is sound Python: it compiles, and reads no name that nothing in it binds."""

import ast
import builtins

from mlrcopilot_tui.agents.offline.source import syntax_of


def sound(old: str, new: str, path: str) -> bool:
    """Whether `new` compiles and uses no name that nothing in it defines, beyond those that `old` used so."""
    try:
        compile(syntax_of(new), path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return undefined_names(new) <= undefined_names(old)


def undefined_names(text: str) -> set[str]:
    """Names that the file reads and that nothing in it binds, in any scope."""
    tree = syntax_of(text)
    bound: set[str] = set(dir(builtins)) | {"__file__", "__name__", "__doc__"}
    read: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            bound.add(node.name)
    return set() if any(isinstance(n, ast.alias) and n.name == "*" for n in ast.walk(tree)) else read - bound
