"""A session: an append-only journal of events, and the state that folding them gives."""
