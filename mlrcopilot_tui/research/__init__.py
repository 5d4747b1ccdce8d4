"""The research loop: the process that turns a paper into measured commits."""
