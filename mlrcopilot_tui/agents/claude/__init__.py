"""The Claude engine: both agents over the Anthropic Messages API, Anthropic's own or any server that speaks it."""
