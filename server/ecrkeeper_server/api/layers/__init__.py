"""Layers around every call: telemetry, authentication, admission, errors, authorization."""
