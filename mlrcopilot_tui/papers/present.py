"""A paper as plain text: what `mlrcopilot paper FILE` prints."""

import textwrap

from mlrcopilot_tui.papers.model import Paper

_WIDTH = 92


def as_text(paper: Paper) -> str:
    """Title, abstract, and the outline with the page and the number of words of each section; ends with a newline."""
    pages = f"{paper.page_count} page" + "s" * (paper.page_count != 1)
    lines = [*textwrap.wrap(paper.title, _WIDTH), f"{paper.source} · {pages} · sha256 {paper.digest[:12]}"]
    if paper.abstract:
        lines += ["", "Abstract"]
        for number, paragraph in enumerate(paper.abstract.split("\n\n")):
            lines += [""] * (number > 0)
            lines += textwrap.wrap(paragraph, _WIDTH, initial_indent="  ", subsequent_indent="  ")
    if paper.sections:
        lines += ["", f"{'Sections':<{_WIDTH - 14}}{'page':>5}{'words':>9}"]
    for section in paper.sections:
        indent = "  " * min(section.level, 4)
        room = _WIDTH - 16 - len(indent)
        title = textwrap.shorten(section.title, room, placeholder=" …") or section.title[:room]
        dots = " ".ljust(_WIDTH - 14 - len(indent) - len(title), "·")
        lines.append(f"{indent}{title}{dots}{section.page:>5}{len(section.text.split()):>9,}")
    if paper.warnings:
        lines += ["", *(f"! {warning}" for warning in paper.warnings)]
    return "\n".join(lines) + "\n"
