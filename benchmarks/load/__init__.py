"""How much READY takes in, end to end: `python -m benchmarks.load` (see `__main__`)."""
