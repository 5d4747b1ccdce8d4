"""What `status`, `log` and `show` tell: the documented JSON forms, derived from the state."""

from typing import Any

import msgspec

from mlrcopilot_tui.research.ablation_view import contribution_view
from mlrcopilot_tui.research.fates import Node, history_of
from mlrcopilot_tui.research.forecast import in_words
from mlrcopilot_tui.research.limits import gpu_seconds
from mlrcopilot_tui.research.settings import Settings
from mlrcopilot_tui.research.staircase import staircase
from mlrcopilot_tui.session.journal import utc_now
from mlrcopilot_tui.session.lock import Holder
from mlrcopilot_tui.session.model import PlanDesign
from mlrcopilot_tui.session.state import IdeaState, SessionState, Spending, VerdictState, mean
from mlrcopilot_tui.session.tag_words import tags_view
from mlrcopilot_tui.session.words import Hearing, Words


def status_view(state: SessionState, holder: Holder | None) -> dict[str, Any]:
    """The form of `status --json`; `holder` is who runs the session now."""
    champion, baseline = state.champion, state.baseline
    settings = Settings.of(state)
    started = state.started
    worked = state.worked_s(utc_now()) if holder is not None else state.active_s
    return {
        "session": state.session,
        "engine": state.engine,
        "state": activity(state, holder),
        "metric": {"name": started.metric, "direction": started.direction} if started else None,
        "baseline": mean(baseline.values.values()) if baseline else None,
        "champion": {
            "commit": champion.commit,
            "idea": champion.idea or None,
            "value": mean(champion.values.values()) if champion.values else None,
            "improvement": state.improvement(),
            "unmeasured": champion.unmeasured,
        }
        if champion
        else None,
        "experiments": len(state.experiments),
        "kept": len(state.kept),
        "waiting": [
            {"gate": gate.id, "kind": gate.kind, "idea": gate.idea or None, "commit": gate.commit or None,
             "question": gate.question}
            for gate in state.open_gates.values()
        ],
        "fault": _fault(state),
        "live_runs": [
            {"run": run.run, "purpose": run.purpose,
             "idea": run.idea or None, "commit": run.commit, "seed": run.seed, "since": run.started_at,
             "better_stopped": run.suggestion.reason if run.suggestion is not None else None}
            for run in state.live_runs
        ],
        "saved_s": state.saved_s,
        "looks": state.looks,
        "budget": {
            "experiments": {"used": len(state.experiments), "limit": settings.max_experiments or None},
            "minutes": {"used": round(worked / 60, 3), "limit": settings.minutes or None},
            "gpu_minutes": {
                "used": round(gpu_seconds(state, utc_now()) / 60, 3), "limit": settings.gpu_minutes or None,
            },
            "usd": {"used": state.spending.usd, "limit": settings.usd or None},
            "tokens": spending_view(state.spending) if state.spending.calls else None,
        },
    }  # fmt: skip


def _fault(state: SessionState) -> dict[str, Any] | None:
    """How the newest call to the model failed; None once one ended well."""
    if state.model_fault is None:
        return None
    time, fault = state.model_fault
    return {"time": time, "kind": fault.fault, "sentence": fault.sentence, "mend": fault.mend,
            "retry_in_s": fault.retry_in_s}  # fmt: skip


def activity(state: SessionState, holder: Holder | None) -> str:
    """One word for what the session does now."""
    if state.finished:
        return "finished"
    if holder is None:
        return "stopped"
    if state.paused:
        return "paused"
    if state.waiting is not None:
        return "waiting"
    return "running"


def spending_view(spending: Spending) -> dict[str, Any]:
    """What calls to models cost: `bounded` of them are booked at their bound, `unpriced` had no price."""
    return {
        "calls": spending.calls,
        "usd": spending.usd,
        "input": spending.input_tokens,
        "cache_read": spending.cache_read_tokens,
        "cache_write": spending.cache_write_tokens,
        "output": spending.output_tokens,
        "cached_share": spending.hit_rate,
        "bounded": spending.bounded,
        "unpriced": spending.unpriced,
    }


def _spent(idea: IdeaState) -> dict[str, Any]:
    """The idea's spending, where there was any: sessions without a model are not told of money."""
    return {"spending": spending_view(idea.spending)} if idea.spending.calls else {}


def log_view(state: SessionState) -> list[dict[str, Any]]:
    """The form of `log --json`: the judged experiments, oldest first."""
    judged = [(verdict, idea) for idea in state.ideas.values() for verdict in idea.verdicts]
    judged.sort(key=lambda pair: pair[0].seq)
    return [
        {**experiment_view(state, idea, verdict), "attempt": verdict.attempt, "fate": stair.fate, "best": stair.best}
        for (verdict, idea), stair in zip(judged, staircase(state)[1:], strict=True)
    ]


def experiment_view(state: SessionState, idea: IdeaState, judged: VerdictState) -> dict[str, Any]:
    """A verdict with what it judged."""
    verdict = judged.verdict
    runs = [state.runs[name] for name in judged.runs if name in state.runs]
    own = next((run for run in runs if run.commit != judged.parent), None)
    attempt = state.attempt_of(judged.commit)
    return {
        "idea": idea.idea.number,
        "title": idea.idea.title,
        "commit": judged.commit,
        "parent": judged.parent,
        "verdict": verdict.kind,
        "rule": verdict.rule,
        "effect": verdict.effect,
        "interval": verdict.interval,
        "metric": {str(seed): value for seed, value in verdict.values.items()},
        "parent_metric": {str(seed): value for seed, value in verdict.parent_values.items()},
        "runs": list(judged.runs),
        "wall_s": judged.wall_s,
        "sandbox": own.sandbox if own else "",
        "network": own.network if own else False,
        "contention": judged.contention or None,
        "looks": judged.looks,
        "tags": tags_view(attempt.tags) if attempt is not None else [],
        **_spent(idea),
    }


def _design(design: PlanDesign | None) -> dict[str, Any] | None:
    if design is None:
        return None
    return {name: getattr(design, name) for name in (*design.__struct_fields__, "budget")}


def forecast_view(state: SessionState, commit: str) -> dict[str, Any] | None:
    """What running an attempt was to take; None where nobody said."""
    made = state.forecasts.get(commit)
    if made is None:
        return None
    metric = state.started.metric if state.started else ""
    about = {"idea", "commit"}
    told = {name: getattr(made, name) for name in made.__struct_fields__ if name not in about}
    return {"words": in_words(made, metric), **told}


def _left_out(idea: IdeaState, commit: str) -> dict[str, Any]:
    """What the researcher did not take of an attempt; nothing where they took all of it, or none."""
    answer = idea.selections.get(commit)
    if answer is None:
        return {}
    return {"left_out": [msgspec.to_builtins(left) for left in answer.left_out], "because": answer.text}


def words_view(said: Words) -> dict[str, Any]:
    """Some words of the researcher's, what they are about, and which turns took them in."""
    about = {"about": said.about.told, "subject": msgspec.to_builtins(said.about)}
    return {
        "text": said.text,
        "understood": said.understood,
        "time": said.time,
        **(about if said.about.kind not in {"session", "idea"} else {}),
        "reached": said.reached,
        "first_turn": _hearing(said.first),
        "last_turn": _hearing(said.last),
    }


def _hearing(hearing: Hearing | None) -> dict[str, Any] | None:
    return None if hearing is None else {name: getattr(hearing, name) for name in hearing.__slots__}


def instructions_view(state: SessionState) -> list[dict[str, Any]]:
    """The form of `instructions --json`: the standing instructions, and after them those that were dropped."""
    dropped = [said for said in state.words.values() if said.dropped]
    return [
        {"number": said.number, "stands": said.stands(), "since": said.since, **words_view(said)}
        for said in (*state.instructions, *dropped)
    ]


def _attempt(state: SessionState, node: Node) -> dict[str, Any]:
    attempt = node.attempt
    return {
        "number": attempt.number,
        "commit": attempt.commit,
        "parent": attempt.parent,
        "subject": attempt.subject,
        "by": attempt.by,
        "files": [{"path": file.path, "added": file.added, "removed": file.removed} for file in attempt.files],
        "forecast": forecast_view(state, attempt.commit),
        "time": node.time,
        "fate": node.fate,
        "why": node.why,
        "tags": tags_view(attempt.tags),
        **_left_out(node.idea, attempt.commit),
    }


def show_view(state: SessionState, idea: IdeaState) -> dict[str, Any]:
    """The form of `show --json`: an idea with everything that became of it."""
    return {
        "idea": idea.idea.number,
        "title": idea.idea.title,
        "status": idea.status,
        "reason": idea.reason,
        "hypothesis": idea.idea.hypothesis,
        "rationale": idea.idea.rationale,
        "plan": list(idea.idea.plan),
        "plan_marks": [
            {"step": mark.step, "done": mark.done, "where": mark.where, "run": mark.run, "note": mark.note}
            for mark in idea.plan_marks
        ],
        "prediction": idea.idea.prediction,
        "design": _design(idea.idea.design),
        "evidence": [{"kind": item.kind, "text": item.text, "ref": item.ref} for item in idea.idea.evidence],
        "scores": idea.idea.scores,
        "attempts": [_attempt(state, node) for node in history_of(state, idea)],
        "experiments": [experiment_view(state, idea, verdict) for verdict in idea.verdicts],
        "ablation": contribution_view(state, idea.idea.number),
        "feedback": [words_view(said) for said in idea.feedback],
        **_spent(idea),
    }
