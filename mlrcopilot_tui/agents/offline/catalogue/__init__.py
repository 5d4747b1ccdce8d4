"""The offline engine's techniques: each a known idea of the field with a codemod that brings it into existing code.

How to add one
--------------
1. Write the codemod: a function `(SourceFile) -> Change | None` in the module of its kind, or a new one. It looks for
   a shape of code (`SourceFile.find`, `loops.training_loop`, `sklearn_models.estimators`, `arrays.fittings`, ...),
   collects its edits in an `Edit` and returns `edit.done(name=value, ...)`. It returns None where the shape is not
   there, where the technique is there already (so that applying it twice changes nothing), or where it cannot be sure
   to keep what the rest of the file relies on. `Edit.done` refuses text that does not compile or reads a name that
   nothing binds.
2. Numbers that deserve tuning become module constants through `edit.constant`: from then on they are knobs.
3. Enter the codemod in its module's `CODEMODS` and describe it in `techniques.toml`: what it is called, which words of
   a paper it answers, what it claims and what would refute it. `{metric}` and the names given to `edit.done` may stand
   in the sentences.
4. Add a case to `tests/agents/golden/` (a before and an after), and a run of a small script where its effect can be
   measured.

A technique never sees files that are not editable or that measure, and knows no template or data set by name.
"""

from mlrcopilot_tui.agents.offline.catalogue.registry import TECHNIQUES
from mlrcopilot_tui.agents.offline.catalogue.technique import Change, Technique

__all__ = ["TECHNIQUES", "Change", "Technique", "technique_by_id"]


def technique_by_id(technique_id: str) -> Technique | None:
    """The technique of that id; None for one that this version does not know."""
    return next((technique for technique in TECHNIQUES if technique.id == technique_id), None)
