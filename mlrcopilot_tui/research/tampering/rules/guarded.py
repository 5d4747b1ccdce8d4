"""The rule `protected`: code that changes, replaces or looks into what the workspace protects, or Python itself."""

import ast
import builtins
import re
from collections.abc import Iterator
from typing import Final

from mlrcopilot_tui.research.tampering.findings import Finding, found
from mlrcopilot_tui.research.tampering.script import SEED_VARIABLE, Script, plain_text
from mlrcopilot_tui.research.tampering.source import dotted
from mlrcopilot_tui.research.tampering.vocabulary import word_set

_PATCHERS: Final = re.compile(
    r"unittest\.mock\..*|mock\..*|sys\.(settrace|setprofile|_getframe|_current_frames|modules.*|meta_path.*|path_hooks.*|"
    r"addaudithook|monitoring.*|displayhook|excepthook)|inspect\.\w+|gc\.(get_objects|get_referrers|get_referents)|atexit\.register|"
    r"site\..*|sitecustomize|importlib\.(reload|util\..*|machinery\..*|abc\..*)|types\.(FunctionType|ModuleType|MethodType)|"
    r"traceback\.walk_stack|forbiddenfruit\..*|wrapt\..*|pytest\..*|_pytest\..*|"
    r"builtins\.\w+|weakref\.finalize|linecache\..*"
)
_HARMLESS: Final = re.compile(
    r"inspect\.(signature|getdoc|isclass|isfunction|Parameter|cleandoc)|builtins\.(print|len|range|zip|open|max|min|sum)"
)
_INNARDS: Final = word_set(
    "__code__ __closure__ __globals__ __builtins__ __defaults__ __kwdefaults__ __wrapped__ __subclasses__ "
    "__bases__ __mro__ f_back f_locals f_globals tb_frame gi_frame cell_contents __loader__ __spec__ "
    "__getattribute__"
)
_TRICKS: Final = word_set(
    "__eq__ __ne__ __lt__ __gt__ __le__ __ge__ __float__ __index__ __array__ __array_ufunc__ "
    "__array_function__ __getattr__ __getattribute__ __torch_function__ __rsub__ __sub__ __format__ __round__ "
    "__bool__ __del__ __class__ __rtruediv__ __array_priority__ __instancecheck__ __missing__"
)
_SWITCHES: Final = re.compile(
    r"torch\.backends\..*|torch\._dynamo\..*|torch\._inductor\..*|matplotlib\..*|plt\..*|pandas\.options\..*|"
    r"tensorflow\.config\..*|torch\.multiprocessing\.sharing.*|PIL\.ImageFile\.LOAD_TRUNCATED_IMAGES|sklearn\.set_config.*|"
    r"os\.environ|warnings\..*|argparse\..*|logging\..*"
)
_TYPES: Final = word_set(
    "int float str list tuple set dict bool range zip map enumerate type super object property reversed filter slice "
    "bytes complex"
)
_SPARE: Final = word_set(
    "input iter id hash vars dir copyright credits license exit quit help bin next format compile ascii aiter anext "
    "breakpoint oct hex chr ord"
)
_BUILTINS: Final = (
    frozenset(name for name, value in vars(builtins).items() if callable(value) and not isinstance(value, type))
    | _TYPES
) - _SPARE

REPLACES: Final = "It replaces what the workspace protects, or a library's or Python's own function."
LOOKS: Final = "It looks into the inside of what the workspace protects."
PATCHES: Final = "It can change other code while it runs."
POSES: Final = "It defines how a value compares or converts, which can make a wrong answer look right."
STEERS: Final = "It changes the variables or paths by which a run is started and measured."


def guarded(script: Script) -> Iterator[Finding]:
    """Where a file reaches into what is protected, or into the running program."""
    source = script.source
    for node in source.nodes:
        match node:
            case ast.ImportFrom(names=names):
                for name in names:
                    yield from _imported(script, node, f"{'.' * node.level}{node.module or ''}.{name.name}")
            case ast.Import(names=names):
                for name in names:
                    yield from _imported(script, node, name.name)
            case ast.Attribute():
                yield from _attribute(script, node)
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield from _stored(script, node, name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield from _defined(script, node, name)
            case ast.Call():
                yield from _called(script, node)
            case ast.Subscript(ctx=ast.Store() | ast.Del()):
                yield from _item(script, node)


def _imported(script: Script, node: ast.AST, name: str) -> Iterator[Finding]:
    last = name.rpartition(".")[2]
    if script.guards(name) and last.startswith("_") and not last.startswith("__"):
        yield found("protected", node, f"import {name}", LOOKS)
    elif script.guards(name) and last == "*":
        return
    elif _PATCHERS.fullmatch(name) and not _HARMLESS.fullmatch(name) and name.rpartition(".")[2] != "wraps":
        yield found("protected", node, f"import {name}", PATCHES)


def _attribute(script: Script, node: ast.Attribute) -> Iterator[Finding]:
    source = script.source
    origin = source.origin(node)
    if isinstance(node.ctx, ast.Store | ast.Del):
        base = dotted(node.value).split(".")[0]
        if node.attr in _INNARDS | {"__class__"}:
            yield found("protected", node, f"sets {plain_text(node)}", REPLACES)
        elif base in source.origins and not _SWITCHES.fullmatch(origin):
            yield found("protected", node, f"sets {origin}", REPLACES)
    elif script.guards(origin) and node.attr.startswith("_"):
        yield found("protected", node, f"reads {origin}", LOOKS)
    elif node.attr in _INNARDS or (node.attr in {"__dict__", "__file__"} and script.guards(source.origin(node.value))):
        yield found("protected", node, f"reads {node.attr}", LOOKS)
    elif origin in {"sys.modules", "sys.path", "sys.meta_path", "sys.path_hooks", "sys.path_importer_cache"}:
        yield found("protected", node, plain_text(source.statement_of(node))[:400], STEERS)


def _stored(script: Script, node: ast.Name, name: str) -> Iterator[Finding]:
    origin = script.source.origins.get(name, "")
    if (
        (origin and script.guards(origin) and _bound_at_import(script, name))
        or (name in _BUILTINS and _at_top(script, node))
        or name == "__builtins__"
    ):
        yield found("protected", node, f"rebinds {name}", REPLACES)


def _bound_at_import(script: Script, name: str) -> bool:
    """Whether the name is imported as such, rather than an alias that the file gave it."""
    return any(
        (alias.asname or alias.name.split(".")[0]) == name
        for node in script.source.nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    )


def _at_top(script: Script, node: ast.AST) -> bool:
    function = script.source.function_of(node)
    return (
        function is None
        and not any(isinstance(up, ast.ClassDef | ast.comprehension) for up in script.source.ancestors(node))
        and not any(
            isinstance(up, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp)
            for up in script.source.ancestors(node)
        )
    )


def _defined(
    script: Script, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, name: str
) -> Iterator[Finding]:
    parent = script.source.parents.get(node)
    if isinstance(parent, ast.ClassDef):
        if name in _TRICKS and not isinstance(node, ast.ClassDef):
            yield found("protected", node, f"defines {name}", POSES)
        return
    origin = script.source.origins.get(name, "")
    if (
        (origin and script.guards(origin))
        or name in _BUILTINS
        or (name == "__getattr__" and parent is script.source.tree)
    ):
        yield found("protected", node, f"defines {name}", REPLACES)


def _called(script: Script, node: ast.Call) -> Iterator[Finding]:
    source = script.source
    name = source.callee(node)
    if name in {"setattr", "delattr", "object.__setattr__"} and node.args:
        if dotted(node.args[0]).split(".")[0] in source.origins or not isinstance(
            node.args[1], ast.Constant | ast.Name
        ):
            yield found("protected", node, plain_text(node), REPLACES)
    elif name in {"globals", "vars", "locals"}:
        statement = source.statement_of(node)
        own = name == "vars" and node.args and dotted(node.args[0]).split(".")[0] not in source.origins
        if not own and not (
            name == "locals" and not isinstance(source.parents.get(node), ast.Subscript | ast.Attribute)
        ):
            yield found("protected", node, plain_text(statement)[:400], PATCHES)
    elif _PATCHERS.fullmatch(name) and not _HARMLESS.fullmatch(name):
        yield found("protected", node, plain_text(node), PATCHES)
    elif name in {"os.putenv", "os.unsetenv", "os.chdir", "os.chmod", "os.environ.clear", "os.chroot"} or (
        name.startswith("os.environ.") and node.args and _own_variable(source.text(node.args[0]), name)
    ):
        yield found("protected", node, plain_text(node), STEERS)


def _own_variable(name: str | None, call: str) -> bool:
    writes = not call.endswith((".get", ".copy", ".items", ".keys"))
    return writes and (
        name is None or name.startswith(("MLRCOPILOT", "PYTHON", "LD_", "PATH")) or name == SEED_VARIABLE
    )


def _item(script: Script, node: ast.Subscript) -> Iterator[Finding]:
    source = script.source
    origin = source.origin(node.value)
    if origin == "os.environ":
        key = source.text(node.slice)
        if key is None or _own_variable(key, "set"):
            yield found("protected", node, plain_text(source.statement_of(node)), STEERS)
    elif origin and (script.guards(origin) or origin.endswith("__dict__")):
        yield found("protected", node, f"sets an item of {origin}", REPLACES)
