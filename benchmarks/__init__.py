"""How fast and how small the program is: each figure beside a reference that was measured in the same run."""
