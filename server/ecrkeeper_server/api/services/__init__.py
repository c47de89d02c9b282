"""The gRPC services, one module for each resource."""
