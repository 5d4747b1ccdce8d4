"""mlrcopilot: from a paper to measured, reviewed commits, in the terminal."""

__version__ = "0.1.0"
