"""The rules, each in the module of its concern: a function from one version of a file to what it finds there."""
