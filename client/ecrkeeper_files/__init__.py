"""Declaration files: strict YAML, their documents, and text that a terminal can show. Without gRPC."""
