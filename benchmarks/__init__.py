"""Benchmarks: what the server costs, as ratios against baselines that run in the same minute."""
