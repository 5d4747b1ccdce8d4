"""What the start screen offers: to open, make or adopt a workspace; everything heavy is imported on use."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from mlrcopilot_tui.tui.preferences import Preferences
from mlrcopilot_tui.tui.views import Document, Paragraph, Role, Row, Span, text

Direction = Literal["min", "max"]

_SIGNS: dict[str, tuple[str, Role]] = {"ok": ("ok", "kept"), "warn": ("note", "waiting"), "fail": ("lacks", "error")}


@dataclass(frozen=True, slots=True)
class Offer:
    """A template as the start screen shows it."""

    name: str
    title: str
    seconds_per_run: float = 0.0


class Beginnings(Protocol):
    """What a start screen can do; each may take seconds and is called in a thread."""

    def offers(self) -> tuple[Offer, ...]:
        """The templates."""

    def findings(self) -> Document:
        """What works on this machine, and how to mend what does not."""

    def create(self, template: str, folder: Path) -> Path:
        """Makes a workspace from a template."""

    def adopt(self, folder: Path, command: str, metric: str, direction: Direction) -> Path:
        """Makes the git repository around `folder` a workspace."""


class RealBeginnings:
    """The program's own templates, checks and workspaces."""

    def offers(self) -> tuple[Offer, ...]:
        """The templates, shipped and the user's own."""
        from mlrcopilot_tui.workspace.templates import list_templates  # noqa: PLC0415 -- after the first frame

        return tuple(Offer(each.name, each.title, each.seconds_per_run) for each in list_templates())

    def findings(self) -> Document:
        """What `mlrcopilot doctor` finds."""
        from mlrcopilot_tui.doctor import run_checks  # noqa: PLC0415 -- after the first frame

        parts: list[Paragraph] = []
        for check in run_checks(None):
            word, role = _SIGNS.get(check.status, (check.status, "muted"))
            parts.append(
                Paragraph((Span(check.found),), (Span(f"{word:<6}", role), Span(f"{check.name:<12}", "muted")))
            )
            if check.mend and check.status != "ok":
                parts.append(text(check.mend, "muted", lead=" " * 18))
        return tuple(parts)

    def create(self, template: str, folder: Path) -> Path:
        """Makes a workspace from a template, with its first commit."""
        from mlrcopilot_tui.workspace.templates import create_workspace, find_template  # noqa: PLC0415 -- on use

        return create_workspace(find_template(template), folder)

    def adopt(self, folder: Path, command: str, metric: str, direction: Direction) -> Path:
        """Writes `mlrcopilot.toml` into the repository around `folder`."""
        from mlrcopilot_tui.workspace.adopt import adopt  # noqa: PLC0415 -- on use

        return adopt(folder, command=command, metric=metric, direction=direction).root


ADOPT = "adopt:"
OPEN = "open:"
MAKE = "make:"


def rows(preferences: Preferences, offers: tuple[Offer, ...], here: Path) -> tuple[Row, ...]:
    """What can be opened or begun; rows without a key are headings."""
    listed = [_heading("Go on with")]
    recent = preferences.recent_workspaces()
    listed += [_recent(path) for path in recent]
    if not recent:
        listed.append(Row("", (Span("  workspaces that you open will stand here", "muted"),)))
    listed += [_heading(""), _heading("Begin with a template")]
    listed += [
        Row(
            f"{MAKE}{offer.name}",
            (Span(f"  {offer.name:<10}", "accent"), Span(offer.title)),
            (Span(f"~{offer.seconds_per_run:.0f} s a run", "muted"),) if offer.seconds_per_run else (),
        )
        for offer in offers
    ]
    listed += [_heading(""), _heading("Begin with your own code")]
    if is_repository(here):
        listed.append(Row(f"{ADOPT}{here}", (Span("  adopt ", "accent"), Span(str(here)))))
    else:
        listed.append(Row("", (Span("  this folder is not in a git repository", "muted"),)))
    return tuple(listed)


def is_repository(folder: Path) -> bool:
    """Whether a git repository is around `folder`, as far as names tell."""
    return any((above / ".git").exists() for above in (folder, *folder.parents))


def _recent(path: Path) -> Row:
    return Row(f"{OPEN}{path}", (Span(f"  {path.name:<16}", "strong"), Span(str(path.parent), "muted")))


def _heading(name: str) -> Row:
    return Row("", (Span(name, "heading"),))
