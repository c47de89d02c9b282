"""The gRPC edge: servicers, validation, and the mapping of errors."""
