"""Layers around every call, from telemetry to authorization."""
