"""A place with everything that a run must not touch, and what an attacker in a sandbox makes of it."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from mlrcopilot_tui.runs.landlock_sandbox import LandlockSandbox
from mlrcopilot_tui.runs.sandbox import BubblewrapSandbox, PlainSandbox, Sandbox
from mlrcopilot_tui.runs.spec import SandboxLevel, SandboxPolicy
from mlrcopilot_tui.workspace.config import FilesConfig
from mlrcopilot_tui.workspace.globs import FileRules
from mlrcopilot_tui.workspace.run_tree import protected_digests

HERE: Final = Path(__file__).parent
AS_IT_WAS: Final = "as it was, and quite long"
NOBODY: Final = 65534
PROTECTED: Final = ("written", "replaced", "linked")
RULES: Final = FileRules(FilesConfig(editable=(), protected=("protected/**", "judge/**")))

EVIDENCE: Final = {
    "write_git_metadata": "repo/.git/hook",
    "plant_code_for_every_later_python": "home/.local/lib/usercustomize.py",
    "write_into_the_home_folder": "home/.bashrc",
    "write_outside": "outside/plain",
    "write_outside_through_a_link": "outside/link",
    "write_outside_through_a_hard_link": "outside/hard",
    "move_a_file_out": "outside/moved",
    "cut_a_file_outside": "outside/cut",
    "cut_a_file_outside_by_reading_it": "outside/opened",
    "write_a_protected_file": "repo/.ours/run/protected/written.py",
    "replace_a_protected_file": "repo/.ours/run/protected/replaced.py",
    "write_a_protected_file_through_a_hard_link": "repo/.ours/run/protected/linked.py",
    "replace_the_folder_of_a_protected_file": "repo/.ours/run/judge/swapped.py",
}
"""What an attack has changed if it worked, below the place."""


class Battlefield:
    """Files of the researcher, and the run's among them; made by `battlefield`.

    Attributes:
        base: its folder, neither in the home folder of whoever tests nor in a temporary one.
        shared: a folder in `/tmp`; of the same name are a file in `/dev/shm` and an abstract socket.
    """

    def __init__(self, base: Path, shared: Path, user: Sequence[str], python: str) -> None:
        self.base, self.shared, self.user, self.python = base, shared, user, python
        self.tree, self.scratch = base / "repo/.ours/run", base / "repo/.ours/scratch"
        self.memory = Path("/dev/shm", shared.name)  # noqa: S108  it is an attack on it
        self.policy = SandboxPolicy(
            writable=(str(self.tree), str(self.scratch)),
            read_only=(
                *(str(self.tree / f"protected/{name}.py") for name in PROTECTED),
                str(self.tree / "judge/swapped.py"),
            ),
            hidden=tuple(str(base / "repo" / name) for name in (".git", ".ours", "data/labels.csv")),
        )

    def sandbox(self, level: SandboxLevel) -> Sandbox:
        """The sandbox of that level, whose home folder is the one of this place."""
        home = self.base / "home"
        if level == "bwrap":
            return BubblewrapSandbox(home)
        return LandlockSandbox(home, self.python) if level == "landlock" else PlainSandbox()

    def run(self, level: SandboxLevel, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run the Python command `argv` there."""
        wrapped = self.sandbox(level).wrap((self.python, *argv), self.policy)
        env = {"PATH": os.defpath, "HOME": str(self.base / "home"), "TMPDIR": str(self.scratch)}
        command = (*self.user, *wrapped)
        return subprocess.run(command, cwd=self.tree, env=env, capture_output=True, text=True, check=False, timeout=60)

    def attacked(self, level: SandboxLevel) -> dict[str, str]:
        """What came of each attack: prevented, detected or open."""
        before = protected_digests(self.tree, RULES)
        with self._victim() as found:
            answer = self.run(level, "-B", str(self.tree / "attacker.py"), json.dumps(found))
        assert answer.returncode == 0, answer.stderr
        told: dict[str, str] = json.loads(answer.stdout)
        after = protected_digests(self.tree, RULES)
        forged = [str(self.tree / path) for path, digest in before.items() if after.get(path) != digest]
        return {name: self._verdict(name, said, forged) for name, said in told.items()}

    def _verdict(self, name: str, said: str, forged: list[str]) -> str:
        worked = said == "done"
        if path := EVIDENCE.get(name):
            worked = worked and (self.base / path).read_text() != AS_IT_WAS
            if str(self.base / path) in forged:
                return "detected"
        elif name == "change_the_mode_of_a_key":
            worked = (self.base / "home/.ssh/id_ed25519").stat().st_mode & 0o777 == 0o666
        elif name == "write_the_shared_temporary_folder":
            worked = (self.shared / "file").read_text() != AS_IT_WAS
        elif name == "leave_something_in_shared_memory":
            worked = Path(f"{self.memory}-left").exists()
        return "open" if worked else f"prevented: {said}"

    @contextlib.contextmanager
    def _victim(self) -> Iterator[dict[str, object]]:
        """Another program of the same user; what the attacker must know of it."""
        victim = subprocess.Popen(
            (*self.user, self.python, str(self.base / "victim.py"), str(self.shared / "agent.sock"), self.shared.name),
            env={"ANTHROPIC_API_KEY": "hush"},
            stdout=subprocess.PIPE,
        )
        with victim, contextlib.closing(victim.stdout or sys.stdin) as said:
            places = {"base": self.base, "tree": self.tree, "scratch": self.scratch, "shared": self.shared}
            yield json.loads(said.readline()) | {name: str(path) for name, path in places.items()} | {"pid": victim.pid}
            victim.kill()


@contextlib.contextmanager
def battlefield(user: int, python: str) -> Iterator[Battlefield]:
    """A place of that user, removed afterwards."""
    base = Path(tempfile.mkdtemp(prefix="mlrcopilot-", dir="/var/tmp"))
    shared = Path(tempfile.mkdtemp(prefix="mlrcopilot-", dir="/tmp"))
    drop = ("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--") if user != os.getuid() else ()
    field = Battlefield(base, shared, drop, python)
    texts = dict.fromkeys((base / path for path in EVIDENCE.values()), AS_IT_WAS) | {
        base / "home/.ssh/id_ed25519": "secret",
        base / "repo/data/labels.csv": "secret",
        base / "repo/.git/config": "secret",
        shared / "secret": "secret",
        shared / "file": AS_IT_WAS,
        field.memory: "secret",
    }
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        field.scratch.mkdir()
        shutil.copy(HERE / "attacker.py", field.tree)
        shutil.copy(HERE / "victim.py", base)
        for top in (base, shared, field.memory):
            for path in (top, *top.rglob("*")):
                os.chown(path, user, -1)
        shutil.copy("/usr/bin/id", base / "outside/as-root")
        (base / "outside/as-root").chmod(0o4755)
        yield field
    finally:
        for path in (base, shared):
            shutil.rmtree(path)
        for path in (field.memory, Path(f"{field.memory}-left")):
            path.unlink(missing_ok=True)
