"""Measurements, run by name: `python -m tests.benchmarks.serve`. No test: a slow machine fails nothing."""
