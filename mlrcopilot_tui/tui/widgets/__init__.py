"""Widgets: each draws one thing and knows nothing of the journal."""
