"""Authorisation: the policy file, and decisions by it; pure, no I/O."""
