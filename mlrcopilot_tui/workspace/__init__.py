"""Workspaces: a git repository with a `mlrcopilot.toml`, and everything the copilot does to it."""
