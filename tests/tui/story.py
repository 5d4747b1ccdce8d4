"""Fabricated sessions on disk, told with the real events, as a copilot would have left them."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.events import Event
from mlrcopilot_tui.session.inbox import Inbox
from mlrcopilot_tui.session.model import (
    Attempt,
    Baseline,
    Decision,
    Evidence,
    FileCount,
    Gate,
    Idea,
    Tag,
    Verdict,
)
from mlrcopilot_tui.session.records import Record, encode_record
from mlrcopilot_tui.session.run_events import RunFinished, RunPlanned, RunStarted
from mlrcopilot_tui.workspace.layout import Layout
from tests.tui.story_paper import PAPER, SUMMARY

SESSION = "3f2a91c4"
BASE = "b0" * 20
BEGIN = datetime(2026, 3, 9, 14, 0, tzinfo=UTC)

DIFF = (Path(__file__).parent / "digits.diff").read_text("utf-8")
WIDE = (Path(__file__).parent / "digits.wide.diff").read_text("utf-8")
"""The same with all of the file around it."""


def idea(number: int, title: str, **fields: object) -> Idea:
    """An idea with everything filled in that a test does not set."""
    values: dict[str, object] = {
        "hypothesis": f"{title.capitalize()} lowers the validation error.",
        "rationale": "Strokes have directions that raw pixels hide from a linear model.",
        "plan": ("Add the features in train.py.", "Train with the same number of epochs."),
        "prediction": "val_error falls by at least 10 % on the mean of the seeds.",
        "evidence": (Evidence(kind="gap", text="Raw pixels carry no local structure.", ref="g2"),),
        "scores": {"novelty": 4.0, "feasibility": 9.0, "effectiveness": 7.0},
        **fields,
    }
    return msgspec.convert({"number": number, "title": title, **msgspec.to_builtins(values)}, Idea)


@dataclass
class Story:
    """One session that grows as it is told."""

    root: Path
    session: str = SESSION
    now: datetime = BEGIN
    seq: int = 0
    runs: int = 0
    gates: int = 0
    commits: dict[tuple[int, int], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.root / "mlrcopilot.toml").parent.mkdir(parents=True, exist_ok=True)
        (self.root / "mlrcopilot.toml").write_text("[task]\n", "utf-8")
        self.layout.make(self.layout.session(self.session))

    @property
    def layout(self) -> Layout:
        """The workspace's paths."""
        return Layout(self.root)

    @property
    def folder(self) -> Path:
        """The session's folder."""
        return self.layout.session(self.session)

    def wait(self, seconds: float) -> None:
        """Lets time pass."""
        self.now += timedelta(seconds=seconds)

    def time(self) -> str:
        """The story's time as the journal writes it."""
        return self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def tell(self, *told: Event) -> None:
        """Appends events, a second apart."""
        with self.layout.journal(self.session).open("ab") as file:
            for event in told:
                self.seq += 1
                file.write(encode_record(Record(self.seq, self.time(), event)))
                self.wait(1)

    def decisions(self) -> list[Decision]:
        """What lies in the inbox."""
        return Inbox(self.folder / "inbox").waiting()

    # Chapters

    def begin(self) -> None:
        """The session starts and its starter is measured on three seeds."""
        self.tell(
            ev.SessionStarted(
                format=1,
                session=self.session,
                engine="offline",
                model="",
                seed=0,
                base=BASE,
                branch="main",
                config="",
                config_digest="",
                metric="val_error",
                direction="min",
                program="0.1.0",
                task="Classify digits.",
                template="digits",
            ),
            ev.CopilotStarted(pid=4242, host="host"),
            ev.SettingsChanged(values={"max_experiments": 12}, by="researcher"),
        )

    def read_paper(self) -> None:
        """The paper is read and summarised."""
        folder = self.folder / "papers"
        folder.mkdir(exist_ok=True)
        (folder / f"{PAPER.digest}.json").write_bytes(msgspec.json.encode(PAPER))
        self.tell(
            ev.PaperRead(digest=PAPER.digest, title=PAPER.title, pages=4, source="paper.pdf"),
            ev.AgentSaid(agent="IdeaAgent", kind="action", text="Read paper.pdf: 4 pages, 6 sections."),
            ev.PaperSummarized(summary=SUMMARY),
        )

    def measure_baseline(self) -> None:
        """Three runs of the starter."""
        for seed, value in enumerate((0.0941, 0.0928, 0.0965)):
            self.run(seed, value, commit=BASE, purpose="baseline")
        self.tell(
            ev.BaselineMeasured(
                baseline=Baseline(
                    commit=BASE, values={0: 0.0941, 1: 0.0928, 2: 0.0965}, deterministic=False, repeatable=True
                )
            )
        )

    def propose(self) -> None:
        """Six ideas, one of them under another."""
        ideas = (
            idea(1, "standardise inputs"),
            idea(2, "wider bins"),
            idea(3, "cosine learning rate", parent=1),
            idea(4, "gradient features"),
            idea(5, "label spreading"),
            idea(6, "shift augmentation"),
        )
        self.tell(
            ev.AgentSaid(agent="IdeaAgent", kind="thought", text="Two gaps of the paper match techniques that I know."),
            *(ev.IdeaProposed(idea=each) for each in ideas),
        )

    def implement(
        self, number: int, parent: str = BASE, subject: str = "", diff: str = DIFF, tags: tuple[Tag, ...] = ()
    ) -> str:
        """A patch for an idea; its diff lies in the session's folder."""
        made = [key for key in self.commits if key[0] == number]
        attempt = len(made) + 1
        commit = f"{number:x}{attempt:x}" + "c4f1e7" * 6 + "00"
        self.commits[number, attempt] = commit
        patches = self.folder / "patches"
        patches.mkdir(exist_ok=True)
        (patches / f"{commit}.diff").write_bytes(diff.encode("utf-8", "surrogateescape"))
        if diff == DIFF:
            (patches / f"{commit}.wide.diff").write_text(WIDE, "utf-8")
        self.tell(
            ev.IdeaApproved(idea=number, by="researcher"),
            ev.IdeaStarted(idea=number, parent=parent),
            ev.AgentSaid(agent="ExperimentAgent", kind="action", idea=number, text="Edit train.py."),
            ev.PatchCommitted(
                attempt=Attempt(
                    idea=number,
                    number=attempt,
                    commit=commit,
                    parent=parent,
                    tree="7e" * 20,
                    subject=subject or "Add gradient features",
                    files=(FileCount(path="train.py", added=9, removed=2),),
                    tags=tags,
                )
            ),
        )
        return commit

    def ask_about(self, number: int, commit: str) -> str:
        """The gate of a patch, whose forecast says all that one can say."""
        forecast = (
            "2 to 5 runs of about 4 min each; 8 to 23 min in all; at least 3.1 GiB of 18.0 GiB free; "
            "1 GPU: 11.0 GiB of 141 GiB"
        )
        question = f"May idea {number} run? Feed gradient features to the classifier"
        return self.ask("patch", question, idea=number, commit=commit, forecast=forecast)

    def ask(self, kind: str, question: str, *, idea: int = 0, commit: str = "", forecast: str = "") -> str:
        """Any gate."""
        self.gates += 1
        gate = msgspec.convert(
            {
                "id": f"g{self.gates}",
                "kind": kind,
                "question": question,
                "idea": idea,
                "commit": commit,
                "forecast": forecast,
            },
            Gate,
        )
        self.tell(ev.GateOpened(gate=gate))
        return gate.id

    def start_run(self, seed: int, *, commit: str, purpose: str = "idea", number: int = 0) -> str:
        """A run that goes on; its folder holds a log and no reading yet."""
        self.runs += 1
        run = f"r{self.runs}"
        self.layout.make(self.layout.run(self.session, run))
        planned = msgspec.convert(
            {
                "run": run,
                "commit": commit,
                "seed": seed,
                "purpose": purpose,
                "key": commit + str(seed),
                "idea": number,
                "attempt": 1 if number else 0,
            },
            RunPlanned,
        )
        self.tell(planned, RunStarted(run=run, sandbox="bwrap", network=False))
        return run

    def train(self, run: str, epochs: int, last: float, total: int = 40) -> None:
        """Lets a run report its metric epoch by epoch."""
        folder = self.layout.run(self.session, run)
        with (
            (folder / "output.log").open("a", encoding="utf-8") as log,
            (folder / "metrics.jsonl").open("a") as metrics,
        ):
            for epoch in range(1, epochs + 1):
                value = round(last + 0.12 * 0.88**epoch - 0.12 * 0.88**epochs, 4)
                log.write(f"epoch {epoch:>2}/{total}  val_error: {value:.4f}\n")
                reading = {"name": "val_error", "value": value, "step": epoch, "total": total, "t": epoch * 1.4}
                metrics.write(json.dumps({**reading, "source": "stdout"}) + "\n")

    def run(self, seed: int, value: float, *, commit: str, purpose: str = "idea", number: int = 0) -> str:
        """A run from start to end."""
        run = self.start_run(seed, commit=commit, purpose=purpose, number=number)
        self.train(run, 40, value)
        self.wait(56)
        self.tell(
            RunFinished(
                run=run, outcome="ok", reason="It ended by itself.", value=value, wall_s=58.0, log_sha256="ab" * 32
            )
        )
        return run

    def judge(self, number: int, values: tuple[float, ...], parents: tuple[float, ...], kind: str) -> None:
        """Runs an idea's newest patch over seeds and reaches a verdict."""
        attempt = max(key[1] for key in self.commits if key[0] == number)
        commit = self.commits[number, attempt]
        runs = [self.run(seed, value, commit=commit, number=number) for seed, value in enumerate(values)]
        gain = sum(parents) / len(parents) - sum(values) / len(values)
        verdict = msgspec.convert(
            {
                "kind": kind,
                "rule": "Student interval (95 %) of the paired difference over 3 seeds",
                "effect": gain,
                "interval": (gain - 0.004, gain + 0.004),
                "relative": gain / (sum(parents) / len(parents)),
                "values": dict(enumerate(values)),
                "parent_values": dict(enumerate(parents)),
            },
            Verdict,
        )
        self.tell(
            ev.VerdictReached(
                idea=number,
                attempt=attempt,
                commit=commit,
                parent=BASE,
                verdict=verdict,
                runs=tuple(runs),
                wall_s=174.0,
            )
        )
        if kind == "keep":
            self.tell(ev.ChampionChanged(commit=commit, reason="kept", idea=number))


START = (0.0941, 0.0928, 0.0965)
FIRST = (0.0771, 0.0759, 0.0790)


def up_to_gate(root: Path, tags: tuple[Tag, ...] = ()) -> Story:
    """Idea 1 was kept, idea 2 discarded, and the patch of idea 4 waits for a decision."""
    story = Story(root)
    story.begin()
    story.read_paper()
    story.measure_baseline()
    story.propose()
    story.implement(1, subject="Standardise inputs")
    story.judge(1, FIRST, START, "keep")
    story.implement(2, subject="Widen the bins")
    story.judge(2, (0.0783, 0.0771, 0.0797), FIRST, "discard")
    commit = story.implement(4, parent=story.commits[1, 1], tags=tags)
    story.ask_about(4, commit)
    return story


def up_to_run(root: Path) -> Story:
    """As `up_to_gate`, with the patch approved and its second run on."""
    story = up_to_gate(root)
    story.tell(ev.GateAnswered(gate="g1", answer="approve", by="researcher"))
    commit = story.commits[4, 1]
    story.run(0, 0.0462, commit=commit, number=4)
    run = story.start_run(1, commit=commit, number=4)
    story.train(run, 14, 0.0561)
    story.wait(19)
    return story
