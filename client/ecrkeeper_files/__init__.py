"""Declaration files: strict YAML, their documents, and text for terminals.

The package does not use gRPC.
"""
