"""Benchmarks: `python -m benchmarks --help`. What they said, and on what machine, is in README.md beside this file."""
