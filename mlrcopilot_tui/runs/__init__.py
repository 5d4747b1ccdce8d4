"""Runs: one execution of the workspace's command, supervised by a small process that outlives its starter."""
