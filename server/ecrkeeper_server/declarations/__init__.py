"""Writes of declarations: spec, commands, preconditions, idempotency, audit records."""
