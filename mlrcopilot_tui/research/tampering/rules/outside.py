"""The rules `network` and `subprocess`: code that reaches beyond the run, or that no reader and no rule sees."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from mlrcopilot_tui.research.tampering.findings import Finding, found
from mlrcopilot_tui.research.tampering.script import Script, plain_text
from mlrcopilot_tui.research.tampering.vocabulary import word_set

_NETWORK: Final = word_set(
    "socket ssl urllib.request urllib3 requests httpx http.client http.server aiohttp ftplib smtplib "
    "telnetlib xmlrpc websocket websockets paramiko boto3 botocore google.cloud gdown wget huggingface_hub "
    "kaggle openai anthropic wandb mlflow comet_ml neptune fsspec s3fs gcsfs torch.hub tensorflow_hub pooch "
    "socketserver poplib imaplib nntplib zmq grpc litellm cohere redis pymongo psycopg2"
)
_DOWNLOADS: Final = re.compile(
    r"(.*\.)?(from_pretrained|load_state_dict_from_url|load_dataset|snapshot_download|hf_hub_download|urlretrieve|urlopen|"
    r"get_file|download_url|download_and_extract_archive|timm\.create_model)|nltk\.download|spacy\.cli\.download|"
    r"sklearn\.datasets\.fetch_\w+|gensim\.downloader\.load|"
    r"(tensorflow\.)?keras\.(datasets\.\w+\.load_data|applications\.\w+)|tensorflow_datasets\.load|openml\..*"
)
_PRETRAINED: Final = re.compile(r"torchvision\.(models|datasets)\..*|timm\..*")
_URL: Final = re.compile(r"(https?|ftp|s3|gs|ssh|wss?|hf)://", re.IGNORECASE)
_SUBPROCESS: Final = re.compile(
    r"subprocess(\..*)?|os\.(system|popen|exec\w+|spawn\w+|posix_spawnp?|fork|forkpty|kill|killpg|startfile)|pty\..*|"
    r"commands\..*|multiprocessing\.(Process|Popen|get_context\(\)\.Process)|asyncio\.create_subprocess_\w+|sh\..*|"
    r"pexpect\..*|plumbum\..*|runpy\..*|code\.\w+|ctypes(\..*)?|cffi(\..*)?|signal\.pthread_kill|_posixsubprocess\..*|"
    r"torch\.multiprocessing\.(Process|spawn)|torch\.utils\.cpp_extension\..*|nohup"
)
_DYNAMIC: Final = frozenset({"eval", "exec", "compile", "__import__", "execfile"})
_IMPORTERS: Final = re.compile(
    r"importlib(\..*)?|builtins\.(exec|eval|compile|__import__)|imp\..*|marshal\.loads?|types\.CodeType"
)

_SWITCHES: Final = re.compile(r"^\w*(OFFLINE|_PROXY|_proxy|HF_ENDPOINT)\w*$")

REACHES = "It uses the network: the number may rest on something that is not in the workspace."
STARTS = "It starts another program or process, whose doings no rule and no diff shows."
HIDDEN = "It runs code that is put together at run time, so that the diff does not show what runs."


def outside(script: Script) -> Iterator[Finding]:
    """Uses of the network, of other programs, and of code made at run time."""
    source = script.source
    for node in source.nodes:
        match node:
            case ast.Import(names=names):
                for name in names:
                    yield from _imported(node, name.name)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                for name in names:
                    yield from _imported(node, f"{module}.{name.name}")
            case ast.Call():
                yield from _called(script, node)
            case ast.Attribute() | ast.Name() if isinstance(node.ctx, ast.Load):
                yield from _mentioned(script, node)
            case ast.Constant(value=str(value)) if _SWITCHES.search(value):
                code = plain_text(source.statement_of(node))[:400]
                yield found("network", node, code, "It changes whether libraries may go online.", lost=REACHES)


def _imported(node: ast.AST, name: str) -> Iterator[Finding]:
    if _networked(name):
        yield found("network", node, f"import {name}", REACHES)
    if _SUBPROCESS.fullmatch(name):
        yield found("subprocess", node, f"import {name}", STARTS)


def _networked(name: str) -> bool:
    return any(name == known or name.startswith(f"{known}.") for known in _NETWORK)


def _called(script: Script, node: ast.Call) -> Iterator[Finding]:
    source = script.source
    name = source.callee(node)
    code = plain_text(node)
    words = {keyword.arg: keyword.value for keyword in node.keywords}
    if _attribute(node) == "from_pretrained":
        if not _offline(words) and node.args:
            yield found("network", node, f"from_pretrained {plain_text(node.args[0])}", REACHES)
    elif _networked(name) or _DOWNLOADS.fullmatch(name) or _attribute(node) in {"urlopen", "load_dataset"}:
        if not _offline(words):
            yield found("network", node, code, REACHES)
    elif (_PRETRAINED.fullmatch(name) and _asks_for_download(words)) or any(
        _URL.search(source.text(part) or "") for part in (*node.args, *words.values())
    ):
        yield found("network", node, code, REACHES)
    if _SUBPROCESS.fullmatch(name):
        yield found("subprocess", node, code, STARTS)
    elif (name in _DYNAMIC and name not in source.functions) or _IMPORTERS.fullmatch(name):
        yield found("subprocess", node, code, HIDDEN)
    if name == "getattr" and len(node.args) > 1 and _module(script, node.args[0]):
        literal = isinstance(node.args[1], ast.Constant)
        if not literal or len(node.args) == 2:
            yield found("subprocess", node, code, "It looks a function up by a name put together at run time.")


def _module(script: Script, node: ast.expr) -> bool:
    """Whether an expression is an imported module, or a part of one that is known by name."""
    return isinstance(node, ast.Name) and node.id in script.source.origins


def _mentioned(script: Script, node: ast.Attribute | ast.Name) -> Iterator[Finding]:
    """A function that is passed on or stored rather than called: `run = os.system`."""
    source = script.source
    parent = source.parents.get(node)
    if isinstance(parent, ast.Attribute) or (isinstance(parent, ast.Call) and parent.func is node):
        return
    name = source.origin(node)
    if _SUBPROCESS.fullmatch(name) and "." in name:
        yield found("subprocess", node, f"passes {name}", STARTS)
    elif isinstance(node, ast.Name) and name in _DYNAMIC - {"compile"} and name not in source.functions:
        yield found("subprocess", node, f"passes {name}", HIDDEN)


def _attribute(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


def _offline(words: dict[str | None, ast.expr]) -> bool:
    local = words.get("local_files_only")
    return isinstance(local, ast.Constant) and local.value is True


def _asks_for_download(words: dict[str | None, ast.expr]) -> bool:
    for name in ("download", "pretrained", "weights", "weights_backbone"):
        value = words.get(name)
        if value is not None and not (isinstance(value, ast.Constant) and value.value in {None, False}):
            return True
    return False
