"""What is wrong in a TOML file of settings, said with file, line, key and the nearest valid key."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from mlrcopilot_tui.errors import InputError


@dataclass(frozen=True, slots=True)
class TomlSource:
    """The text, to say where in it a key stands."""

    text: str
    path: Path
    kind: type[msgspec.Struct]

    def line(self, key: tuple[str, ...]) -> int | None:
        """The line of a key written as `name = …` below its `[table]`, or of the table itself."""
        table: tuple[str, ...] = ()
        at_table = None
        for number, line in enumerate(self.text.split("\n"), start=1):
            if header := re.match(r"\s*\[\s*([\w.\"'-]+)\s*\]", line):
                table = tuple(part.strip("\"'") for part in header[1].split("."))
                at_table = number if table == key[: len(table)] else at_table
            name = re.match(r"\s*[\"']?([\w-]+)[\"']?\s*[=.]", line)
            if name and (*table, name[1]) == key[: len(table) + 1] and len(key) > len(table):
                return number
        return at_table

    def error(self, key: tuple[str, ...], sentence: str, mend: str = "") -> InputError:
        """An error that begins with file, line and dotted key."""
        line = self.line(key)
        where = f"{self.path}:{line}" if line else str(self.path)
        return InputError(f"{where}: {'.'.join(key)} {sentence}", mend)


def refuse_unknown_keys(table: dict[str, Any], kind: type[msgspec.Struct], source: TomlSource, *above: str) -> None:
    """Raises InputError for the first key that `kind` does not have; the mend is the nearest one that exists."""
    known = {field.name: field.type for field in msgspec.structs.fields(kind)}
    for name, value in table.items():
        key = (*above, name)
        if name not in known:
            near = _nearest(name, above, known, source.kind)
            mend = f"Did you mean `{near}`?" if near else f"Known here: {', '.join(known)}."
            raise source.error(key, "is not a key of this file.", mend)
        if isinstance(value, dict) and _is_table(known[name]):
            refuse_unknown_keys(value, known[name], source, *key)


def _is_table(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _nearest(name: str, above: tuple[str, ...], known: Iterable[str], whole: type[msgspec.Struct]) -> str | None:
    """The valid key most like `name`, dotted: one of its own table, else one of any table."""
    if here := difflib.get_close_matches(name, known, n=1, cutoff=0.6):
        return ".".join((*above, here[0]))
    every = {
        field.name: f"{table.name}.{field.name}"
        for table in msgspec.structs.fields(whole)
        if _is_table(table.type)
        for field in msgspec.structs.fields(table.type)
    }
    elsewhere = difflib.get_close_matches(name, every, n=1, cutoff=0.7)
    return every[elsewhere[0]] if elsewhere else None


_KINDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
    "float | str": "a number or text",
}


def explain_mismatch(error: msgspec.ValidationError, source: TomlSource) -> InputError:
    """A failed conversion as a sentence that says what is expected and what was found."""
    message, _, place = str(error).partition(" - at `$")
    key = tuple(part for part in re.split(r"[.\[\]`…]+", place) if part and not part.isdecimal())
    if missing := re.fullmatch(r"Object missing required field `(\w+)`", message):
        key = (*key, missing[1])
        return source.error(key, "is missing.", "Add it; `mlrcopilot init` writes a complete file.")
    if typed := re.fullmatch(r"Expected `(.+?)`, got `(.+?)`", message):
        expected, found = (_KINDS.get(kind.replace(" | ...", ""), kind) for kind in typed.groups())
        holds = "hold" if place.endswith("]`") else "be"
        return source.error(key, f"must {holds} {expected}, not {found}.")
    if wrong := re.fullmatch(r"Invalid enum value '?(.*?)'?", message):
        return source.error(key, f"cannot be {wrong[1]!r}.", f"Write {_choices(key, source.kind)}.")
    if bound := re.fullmatch(r"Expected `\w+` (>=?) (\S+)", message):
        least = "at least" if bound[1] == ">=" else "more than"
        return source.error(key, f"must be {least} {float(bound[2]):g}.")
    return source.error(key, f"is wrong: {message[:1].lower()}{message[1:].replace('`', '')}.")


def _choices(key: tuple[str, ...], kind: Any) -> str:  # noqa: ANN401 - msgspec types its field types so
    for name in key:
        kind = next(field.type for field in msgspec.structs.fields(kind) if field.name == name)
    return " or ".join(f'"{choice}"' for choice in kind.__args__)
