"""How much of a registry an answer has."""
