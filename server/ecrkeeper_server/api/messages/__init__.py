"""Protobuf messages from and to the domain."""
