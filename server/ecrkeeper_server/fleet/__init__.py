"""Declarations for many registries: accounts, registry sets and rollouts.

Planning is pure; commands use a store.
"""
