"""Running servers against the simulated AWS."""
