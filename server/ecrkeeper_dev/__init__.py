"""`ecrkeeper dev`: a simulated AWS and the server in one process.

The server starts with an example declared.
"""
