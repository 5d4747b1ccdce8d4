"""What is known of the file that an expression names, and whether the contract keeps it."""

import ast

from mlrcopilot_tui.research.tampering.script import Script


def path_text(script: Script, node: ast.expr, deep: int = 4) -> str:
    """The path that an expression is known to be: a string, a `Path`, what is joined to one; empty for any other."""
    if text := script.source.text(node):
        return text.removeprefix("./")
    if not deep:
        return ""
    match node:
        case ast.Call(func=func, args=[*parts]) if script.source.origin(func) in {"pathlib.Path", "os.path.join"}:
            return "/".join(path_text(script, part, deep - 1) for part in parts)
        case ast.Call(func=ast.Attribute(value=value, attr="joinpath"), args=[*parts]):
            return "/".join(path_text(script, part, deep - 1) for part in (value, *parts))
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return f"{path_text(script, left, deep - 1)}/{path_text(script, right, deep - 1)}"
        case ast.Name(id=name):
            made = script.source.bound(name, node)
            plain = len(made) == 1 and made[0].index is None and made[0].kind == "assign"
            return path_text(script, made[0].value, deep - 1) if plain else ""
    return ""


def is_kept(script: Script, place: ast.expr) -> bool:
    """Whether a path leads into what the contract protects or hides, or is a protected module's own."""
    text = path_text(script, place)
    kept = [glob.split("*")[0].rstrip("/") for glob in (*script.facts.protected, *script.facts.hidden)]
    inside = any(root and (text == root or text.startswith(f"{root}/")) for root in kept)
    return inside or any(
        script.guards(script.source.origin(node)) for node in ast.walk(place) if isinstance(node, ast.Name)
    )
