"""What the ExperimentAgent's steps are made of: the assignment, the conversation, the notes and their fact check."""
