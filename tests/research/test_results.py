"""What a session leaves to its researcher."""

import pytest

from mlrcopilot_tui.research.results import Bundle


@pytest.mark.parametrize(("line", "command"), [(b"+x = 1\n", "git am"), (b"+x = 1\r\n", "git am --keep-cr")])
def test_patches_are_applied_with_the_line_ends_that_they_have(line: bytes, command: str) -> None:
    assert Bundle("", {"0001-x.patch": b"@@ -0,0 +1 @@\n" + line}).command == command
