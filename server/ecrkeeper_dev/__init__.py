"""`ecrkeeper dev`: a simulated AWS and the server with an example declared, in one process."""
