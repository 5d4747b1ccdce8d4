"""Hardware: samples of CPU, memory and GPUs, for the machine and for one process tree."""
