"""Calls to AWS in the domain's words, for both the API and the engine."""
