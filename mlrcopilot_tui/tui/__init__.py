"""The terminal user interface: a view of the journal and a writer of decisions."""
