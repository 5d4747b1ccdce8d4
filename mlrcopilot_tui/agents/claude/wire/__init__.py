"""The way to a model: which server, as whom, and one call as it goes over the wire."""
