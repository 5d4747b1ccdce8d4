"""What a run is started with: its command and its environment, its limits, and its fence."""

import os

from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.grants import network_granted
from mlrcopilot_tui.research.places import Place
from mlrcopilot_tui.research.run_trees import Trees
from mlrcopilot_tui.runs.environment import run_environment
from mlrcopilot_tui.runs.spec import RunSpec, SandboxPolicy
from mlrcopilot_tui.session.state import RunState
from mlrcopilot_tui.workspace.command import command_argv


def name_of(bench: Bench, run: RunState) -> str:
    """The run's name on this machine, by which its processes are found."""
    return f"{bench.state.session}-{run.run}"


def run_spec(bench: Bench, trees: Trees, place: Place, run: RunState) -> RunSpec:
    """What a supervisor is told of a run that goes on at `place`."""
    config, limits = bench.config, bench.run_config
    name, tree, scratch = name_of(bench, run), trees.path(run.run), trees.scratch(run.run)
    env = run_environment(
        {key: value for key, value in os.environ.items() if key not in place.unset},
        extra={**place.env, **config.run.env, "TMPDIR": str(scratch)},
        passed=config.run.pass_env,
        seed=run.seed,
        metrics_file=str(scratch / "metrics.jsonl"),
        run=name,
    )
    evaluate, smoke = config.evaluate.command, run.purpose == "smoke"
    limit_s = limits.timeout_minutes * 60
    return RunSpec(
        run=name,
        argv=command_argv(config.run.command, seed=run.seed, python=bench.python),
        evaluate_argv=command_argv(evaluate, seed=run.seed, python=bench.python) if evaluate else (),
        clean_tree=trees.clean_tree(run) if evaluate else None,
        tree=str(tree),
        env=env,
        seed=run.seed,
        metric=config.metric.name,
        timeout_s=min(limit_s, config.run.smoke_seconds) if smoke else limit_s,
        silence_s=limits.silence_minutes * 60,
        grace_s=config.run.grace_seconds,
        memory_bytes=limits.memory_bytes,
        disk_bytes=limits.disk_bytes,
        devices=place.lease.names,
        smoke=smoke,
        sandbox=SandboxPolicy(
            level=bench.sandbox.level,
            writable=(str(tree), str(scratch)),
            read_only=trees.read_only(run),
            hidden=trees.hidden(run),
            network=network_granted(bench.state, run.commit),
        ),
    )
