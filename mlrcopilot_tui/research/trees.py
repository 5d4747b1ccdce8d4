"""The trees that agents look at: the champion's code to read, an idea's worktree to edit."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from mlrcopilot_tui.agents.base import SourceTree
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.workspace.commit_tree import CommitTree


@contextlib.asynccontextmanager
async def champion_tree(bench: Bench) -> AsyncIterator[SourceTree]:
    """The champion's files, read-only, straight from git."""
    yield await asyncio.to_thread(CommitTree, bench.repository, bench.champion.commit, bench.rules)
