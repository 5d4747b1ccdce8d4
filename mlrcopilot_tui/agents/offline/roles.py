"""What a hyper-parameter's name tells: the part it plays, the range worth searching, and which step to try first."""

import re
import tomllib
from importlib.resources import files
from typing import Literal

import msgspec

Scale = Literal["log", "linear", "int", "log_int", "near_one"]


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of hyper-parameter; the table of them is `roles.toml`.

    Attributes:
        id: names the role in recipes and rules.
        words: how people call it; feedback is matched against these.
        pattern: matches a whole normalised name (lower case, words parted by one underscore).
        scale: how values are spread; `near_one` searches 1 - value on a log scale, as decay rates want.
        low, high: bounds whatever the present value.
        down, up: how far below and above the present value the search goes, as factors.
        steps: what to try first, best first: factors, or values where the scale is linear.
        zero: values to try when the present one is zero, which no factor can leave.
        prior: expected effectiveness of tuning it, 1 to 10, before any result.
        why: completes "... because" in a rationale.
        cost: whether the run's time grows in proportion.
    """

    id: str
    words: tuple[str, ...]
    pattern: str
    scale: Scale
    low: float
    high: float
    down: float
    up: float
    steps: tuple[float, ...]
    prior: float
    why: str
    zero: tuple[float, ...] = ()
    cost: bool = False


def _read_roles() -> tuple[Role, ...]:
    table = tomllib.loads(files(__package__).joinpath("roles.toml").read_text(encoding="utf-8"))
    return tuple(msgspec.convert({"id": name, **entry}, Role) for name, entry in table.items())


ROLES = _read_roles()
"""Ordered: the first role whose pattern matches a name is its role."""

NEVER = re.compile(
    r"(^|_)(seed|seeds|random|rng|state|path|dir|folder|file|filename|url|host|port|name|title|version|split|splits|"
    r"test|valid|validation|val|eval|evaluate|holdout|heldout|fold|folds|cv|verbose|verbosity|log|logs|logging|print|"
    r"report|every|interval|display|plot|figsize|dpi|jobs|workers|threads|processes|device|gpu|cuda|timeout|time|limit|"
    r"budget|seconds|minutes|samples|rows|examples|instances|n_train|train_size|test_size|pool|class|classes|labels|n_labels|"
    r"vocab|vocabulary|vocab_size|alphabet|input|inputs|input_dim|output|output_dim|in_dim|out_dim|channels|"
    r"n_features|num_features|features|image|pixel|pixels|dtype|axis|decimals|precision|encoding|metric|score|scoring|target|"
    r"checkpoint|save|debug|eps|epsilon|tol|id|index|year|date|day|hours?|max_len|maxlen|pad)(_|$)"
)
"""Names that define the data, the measurement, the machine or the talk: changing them would not be research."""

_EXCEPTIONS = re.compile(
    r"(.*_)?(learning_rate_init|min_samples_leaf|min_samples_split|samples_leaf|samples_split|max_samples|max_features|"
    r"child_samples|initial_lr|label_smoothing|n_features_out|time_decay)"
)


def normalised(name: str) -> str:
    """`LearningRate`, `--learning-rate` and `LEARNING_RATE` as `learning_rate`."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip("-_ "))
    return re.sub(r"[\W_]+", "_", snake).strip("_").lower()


def forbidden(name: str) -> bool:
    """Whether a value of this name is not the engine's to change."""
    plain = normalised(name)
    return not _EXCEPTIONS.fullmatch(plain) and bool(NEVER.search(plain))


def role_of(name: str) -> Role | None:
    """The role that a name tells; None where it tells none, or one that must not be changed."""
    if forbidden(name):
        return None
    plain = normalised(name)
    return next((role for role in ROLES if re.fullmatch(role.pattern, plain)), None)


def role_by_id(role_id: str) -> Role | None:
    """The role of that id."""
    return next((role for role in ROLES if role.id == role_id), None)
