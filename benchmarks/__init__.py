"""Benchmarks of the server, as ratios to baselines of the same minute."""
