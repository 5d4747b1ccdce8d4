"""Holds the numbers an agent states against those that code computed: an agent's word never becomes a result."""


class KnownNumbers:
    """The numbers that an attempt may state: those that runs and executions gave, and those that files hold."""

    def measured(self, text: str, program: str = "") -> None:
        """Takes the numbers of a run's or an execution's output.

        Args:
            text: the output as it came.
            program: what was executed, where the agent wrote it: a number that stands in it was told, not computed.
        """

    def read(self, text: str) -> None:
        """Takes the numbers of a file, a paper, a card or somebody's words: settings and sizes, but no results."""
