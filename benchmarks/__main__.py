"""`python -m benchmarks [NAME...] [--json]`, from the root of a checkout. A missed target is told, never an error."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import msgspec

from benchmarks.machine import describe_machine, load
from benchmarks.measuring import NotMeasuredError, Result
from benchmarks.report import as_json, machine_line, table
from benchmarks.stage import leave_home

BENCHMARKS = (
    "help_speed",
    "first_frame",
    "memory",
    "idle_traffic",
    "key_to_paint",
    "big_patch",
    "long_log",
    "reopening",
    "inbox",
    "run_overhead",
    "supervisor_cost",
    "tokens",
    "replay",
    "early_stop",
)

Measure = Callable[[Path], Iterator[Result]]


def main() -> int:
    """Runs what was asked for; 1 only where something could not be measured at all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.names) - set(BENCHMARKS)):
        parser.error(f"there is no benchmark {unknown[0]}; there are {', '.join(BENCHMARKS)}")
    machine, failed = describe_machine() | {"load before": load()}, False
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="mlrcopilot-benchmarks-", ignore_cleanup_errors=True) as scratch:
        leave_home(Path(scratch) / "home")
        for name in arguments.names or BENCHMARKS:
            _tell(f"measuring {name}")
            place = Path(scratch) / name
            place.mkdir()
            measure: Measure = import_module(f"benchmarks.{name}").measure
            try:
                results += measure(place)
            except NotMeasuredError as error:
                failed = True
                _tell(f"{name} was not measured: {error}")
    machine["load after"] = load()
    if arguments.json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(as_json(machine, results))) + b"\n")
    else:
        print(f"{table(results)}\n\n{machine_line(machine)}")
    return int(failed)


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
