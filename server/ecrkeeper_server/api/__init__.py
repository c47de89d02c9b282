"""The gRPC API: servicers, validation, and the mapping of errors."""
