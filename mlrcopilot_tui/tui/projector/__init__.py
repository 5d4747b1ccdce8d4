"""From a session's state and the researcher's selection to what the panes show: pure functions without a screen."""
