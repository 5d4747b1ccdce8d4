"""The rule `cache`: results, weights or predictions kept from elsewhere, and files that are no declared input."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from mlrcopilot_tui.research.tampering.filepaths import is_kept, path_text
from mlrcopilot_tui.research.tampering.findings import Finding, found
from mlrcopilot_tui.research.tampering.script import Script, plain_text
from mlrcopilot_tui.research.tampering.source import dotted
from mlrcopilot_tui.research.tampering.vocabulary import is_metric, words_of
from mlrcopilot_tui.workspace.globs import Matcher

_LOADS: Final = re.compile(
    r"numpy\.(load|loadtxt|genfromtxt|fromfile|memmap)|pickle\.(load|loads|Unpickler)|cPickle\.load|dill\.loads?|"
    r"cloudpickle\.loads?|joblib\.load|torch\.(load|jit\.load)|safetensors\.torch\.(load_file|load_model)|json\.load|"
    r"(ujson|orjson|yaml|toml|tomllib|msgpack|marshal)\.\w*load\w*|pandas\.read_\w+|polars\.read_\w+|h5py\.File|"
    r"keras\.models\.load_model|tensorflow\.keras\.models\.load_model|scipy\.io\.loadmat|skops\.io\.load|onnxruntime\..*"
)
_OPENS: Final = re.compile(
    r"open|io\.open|codecs\.open|gzip\.open|bz2\.open|lzma\.open|zipfile\.ZipFile|tarfile\.open|os\.open|linecache\.getlines?"
)
_STORES: Final = re.compile(
    r"joblib\.Memory|shelve\..*|dbm(\..*)?|sqlite3\..*|diskcache\..*|lmdb\..*|cachetools\..*|percache\..*|klepto\..*|"
    r"multiprocessing\.shared_memory\..*|mmap\.mmap"
)
_SAVES: Final = re.compile(
    r"numpy\.(save|savez|savez_compressed|savetxt)|pickle\.(dump|dumps)|joblib\.dump|torch\.save|json\.dump|dill\.dump|"
    r"shutil\.\w+|os\.(rename|replace|link|symlink|remove|unlink|rmdir|mkdir|makedirs)|safetensors\.torch\.save_file"
)
_MEMOS: Final = frozenset({"functools.lru_cache", "functools.cache", "lru_cache", "cache"})
_READS: Final = frozenset(
    {"exists", "is_file", "read_text", "read_bytes", "open", "read_csv", "load_weights", "load_model", "restore"}
)
_WRITES: Final = frozenset(
    {"write_text", "write_bytes", "to_csv", "to_pickle", "to_parquet", "save_weights", "save_model", "tofile"}
)
_LISTS: Final = re.compile(r"glob\.i?glob|os\.(listdir|scandir|walk)|pathlib\.Path\.(glob|rglob|iterdir)")
_AWAY: Final = re.compile(r"^(/|~|\.\./)|/\.\./|\.mlrcopilot|/tmp|/var|/dev/shm|\.cache\b|\$HOME|\.git\b")
_AWAY_CALLS: Final = re.compile(
    r"tempfile\..*|os\.path\.expanduser|os\.path\.expandvars|pathlib\.Path\.(home|expanduser)|platformdirs\..*|getpass\..*"
)
_EXISTS: Final = re.compile(r"os\.path\.(exists|isfile|isdir|getmtime)|os\.(stat|access)")

_RESUMING: Final = frozenset(
    {"cache_dir", "memory", "resume_from_checkpoint", "ckpt_path", "warm_start_from", "init_model"}
)

LOADS: Final = "It loads something that is no declared input: a result, weights or predictions made earlier."
KEEPS: Final = "It keeps results from one run to the next, or outside the run's own folder."
READS_HELD_OUT: Final = "It reads what the run is judged on from its file."
PAST: Final = "It reads files that the contract protects, past the code that hands them out."
RESUMES: Final = "It goes on from what an earlier run left behind."


def storage(script: Script) -> Iterator[Finding]:
    """Where results, weights or predictions are kept or come from."""
    written = {place for call in script.source.calls for place in _written(script, call)}
    for call in script.source.calls:
        yield from _of_call(script, call, written)
    for node in script.source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _memoised(script, node)


def _of_call(script: Script, call: ast.Call, written: set[str]) -> Iterator[Finding]:
    source = script.source
    name, code = source.callee(call), plain_text(call)
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    place = _place(script, call, method)
    if (
        _STORES.fullmatch(name)
        or _AWAY_CALLS.fullmatch(name)
        or (method in {"expanduser", "home"} and name.endswith((".home", "expanduser")))
    ):
        yield found("cache", call, code, KEEPS)
    elif _EXISTS.fullmatch(name) or method in {"exists", "is_file"}:
        yield found("cache", call, code, RESUMES)
        if place is not None and _names_held_out(script, place):
            yield found("evaluation", call, f"looks for {_spelled(script, place)}", READS_HELD_OUT)
    elif place is not None:
        yield from _of_place(script, call, place, written)
    if _LISTS.fullmatch(name) or method in {"rglob", "iterdir"} or (method == "glob" and name != "glob.glob"):
        yield found("cache", call, code, LOADS)
        listed = call.func.value if isinstance(call.func, ast.Attribute) and name != "glob.glob" else place
        if listed is not None and is_kept(script, listed):
            yield found("protected", call, f"lists {code}", PAST)
    for word in call.keywords:
        none = isinstance(word.value, ast.Constant) and word.value.value is None
        if word.arg in _RESUMING and not none:
            yield found("cache", call, f"{name} {plain_text(word)}", KEEPS)


def _of_place(script: Script, call: ast.Call, place: ast.expr, written: set[str]) -> Iterator[Finding]:
    """A file that a call writes or reads."""
    name = script.source.callee(call)
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    away = _is_away(script, place)
    if _writes(script, call, name, method):
        if away or _guarded(script, place):
            yield found("cache", call, script.settled(call), KEEPS)
    elif _LOADS.fullmatch(name) or _OPENS.fullmatch(name) or method in _READS:
        own = _spelled(script, place) in written and not away
        if not own and _names_held_out(script, place):
            yield found("evaluation", call, f"reads {_spelled(script, place)}", READS_HELD_OUT)
        if not own and not _declared(script, place):
            yield found("cache", call, f"{name or method} {_spelled(script, place)}", LOADS)
        if not own and is_kept(script, place):
            yield found("protected", call, f"reads {_spelled(script, place)}", PAST)


def _place(script: Script, call: ast.Call, method: str) -> ast.expr | None:
    """The file that a call reads or writes: its first argument, or what it is a method of."""
    name = script.source.callee(call)
    if (
        method in _READS | _WRITES
        and not _LOADS.fullmatch(name)
        and not _OPENS.fullmatch(name)
        and isinstance(call.func, ast.Attribute)
    ):
        if method in {
            "to_csv",
            "to_pickle",
            "to_parquet",
            "save_weights",
            "save_model",
            "tofile",
            "load_weights",
            "restore",
        }:
            return call.args[0] if call.args else None
        return call.func.value
    if name in {"torch.save", "pickle.dump", "joblib.dump", "json.dump", "dill.dump"}:
        return call.args[1] if len(call.args) > 1 else None
    return call.args[0] if call.args else None


def _writes(script: Script, call: ast.Call, name: str, method: str) -> bool:
    if _SAVES.fullmatch(name) or method in _WRITES:
        return True
    if _OPENS.fullmatch(name) or method == "open":
        modes = [
            *call.args[(0 if method == "open" and not _OPENS.fullmatch(name) else 1) :],
            *(w.value for w in call.keywords if w.arg == "mode"),
        ]
        return any(bool(set(script.source.text(mode) or "") & set("wax+")) for mode in modes[:1])
    return False


def _written(script: Script, call: ast.Call) -> Iterator[str]:
    name = script.source.callee(call)
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    place = _place(script, call, method)
    if place is not None and _writes(script, call, name, method) and not _is_away(script, place):
        yield _spelled(script, place)


def _spelled(script: Script, place: ast.expr) -> str:
    """How a file is named: its known text, through the handle that a `with` opened where there is one."""
    opened = place
    if isinstance(place, ast.Name):
        made = script.source.bound(place.id, place)
        if len(made) == 1 and isinstance(made[0].value, ast.Call) and made[0].kind in {"with", "assign"}:
            call = made[0].value
            method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
            inner = _place(script, call, method)
            opened = inner if inner is not None else place
    return path_text(script, opened) or plain_text(opened)


def reads_file(script: Script, node: ast.expr) -> bool:
    """Whether an expression is what a file holds."""
    return isinstance(node, ast.Call) and bool(_LOADS.fullmatch(script.source.callee(node)))


def _is_away(script: Script, place: ast.expr) -> bool:
    """Whether a file lies outside the run's own folder."""

    def away(node: ast.AST) -> bool:
        if isinstance(node, ast.Call):
            return bool(_AWAY_CALLS.fullmatch(script.source.callee(node)))
        if isinstance(node, ast.Attribute):
            return node.attr in {"parents", "home"} or (
                node.attr == "parent" and isinstance(node.value, ast.Attribute) and node.value.attr == "parent"
            )
        text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
        return bool(_AWAY.search(text))

    return script.source.reaches(place, away) or bool(_AWAY.search(_spelled(script, place)))


def _declared(script: Script, place: ast.expr) -> bool:
    """Whether a file is an input that the contract names, or a handle whose opening is judged on its own."""
    text = _spelled(script, place)
    if isinstance(place, ast.Name) and text == place.id:
        made = script.source.bound(place.id, place)
        opened = [b for b in made if isinstance(b.value, ast.Call) and b.kind in {"with", "assign"}]
        if opened and all(
            _OPENS.fullmatch(script.source.callee(b.value)) for b in opened if isinstance(b.value, ast.Call)
        ):
            return True
    known = Matcher(script.facts.shared)
    clean = text.removeprefix("./").strip("\0/")
    return known(clean) or any(
        clean.startswith(glob.split("*")[0]) for glob in script.facts.shared if glob.split("*")[0]
    )


def _names_held_out(script: Script, place: ast.expr) -> bool:
    """Whether a file's name says that what a run is judged on is in it."""
    held = {"val", "valid", "validation", "test", "dev", "holdout", "heldout"}
    for text in _texts(script, place):
        words = set(words_of(re.split(r"[/\\]", text)[-1].partition(".")[0]))
        answers = bool(words & {"labels", "answers", "targets", "solution", "truth", "gold"}) and "train" not in words
        if words & held or answers:
            return True
    return False


def _texts(script: Script, place: ast.expr) -> list[str]:
    """The strings of which a file's name is made, through one assignment."""
    made = [binding.value for binding in script.source.bound(place.id, place)] if isinstance(place, ast.Name) else []
    return [
        node.value
        for part in (place, *made)
        for node in ast.walk(part)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def _guarded(script: Script, place: ast.expr) -> bool:
    text = _spelled(script, place).removeprefix("./")
    facts = script.facts
    return Matcher((*facts.protected, *facts.hidden, *facts.shared, "mlrcopilot.toml"))(text)


def _memoised(script: Script, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Finding]:
    """A cache on what evaluates: the second model would be given the first one's result."""
    for decorator in node.decorator_list:
        call = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = script.source.origin(call)
        judged = is_metric(node.name, script.facts.metric) or {"predict", "score"} & set(words_of(node.name))
        if (
            (name in _MEMOS and judged)
            or name.rpartition(".")[2] in {"memoize", "cached"}
            or dotted(call).endswith("memory.cache")
        ):
            yield found("cache", node, f"memo on {node.name}", KEEPS)
