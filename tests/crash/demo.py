"""The digits demo of two experiments, as `run --headless --auto` carries it on; each time the same session."""

import sys
from typing import Final

from mlrcopilot_tui.cli.main import main
from mlrcopilot_tui.research import begin

SESSION: Final = "0badcafe"
"""Its number seeds what the offline engine draws."""

if __name__ == "__main__":
    vars(begin)["new_session_id"] = lambda: SESSION
    sys.exit(main(["run", sys.argv[1], "--headless", "--auto", "--max-experiments", "2"]))
