"""Write declarations: specs, commands, preconditions, idempotency, audit."""
