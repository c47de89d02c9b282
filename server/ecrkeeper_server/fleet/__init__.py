"""Declarations for many registries: accounts, registry sets and rollouts; planning is pure, commands use a store."""
