"""What the IdeaAgent's thinking is made of: what a model is shown, the forms it fills in, and the checks of both."""
