"""Benchmarks: `make bench` and `make load`."""
