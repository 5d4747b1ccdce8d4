"""The command line; every module here imports lazily, so that `--help` is instant."""
