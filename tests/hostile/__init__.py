"""Answers of AWS that are none, and credentials that are of another account."""
