"""The errors that people read: one plain sentence, how to mend it, and the exit code a script sees."""

from typing import ClassVar


class CopilotError(Exception):
    """Base of every error that is told to a person rather than shown as a traceback.

    Args:
        sentence: what is wrong, as one plain sentence.
        mend: what to do about it, as one plain sentence; may be empty where nothing can be done.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, sentence: str, mend: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.sentence} {self.mend}".rstrip()


class RefusedError(CopilotError):
    """It ran and the answer is no: nothing kept, a check failed, somebody answered first."""

    exit_code = 1


class InputError(CopilotError):
    """Bad usage, input or configuration."""

    exit_code = 2


class EnvironmentLackError(CopilotError):
    """The machine lacks something: git, a sandbox, credentials, the network, a platform."""

    exit_code = 3
