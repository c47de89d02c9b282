"""The gRPC API: services, layers, messages and HTTP endpoints."""
