"""A real copilot process whose engine is a script: `python -m benchmarks.scripted_copilot WORKSPACE IDEAS`."""

import sys

from benchmarks.stage import script_the_engine
from mlrcopilot_tui.cli.main import main

if __name__ == "__main__":
    script_the_engine(int(sys.argv[2]))
    sys.exit(main(["run", sys.argv[1], "--headless"]))
