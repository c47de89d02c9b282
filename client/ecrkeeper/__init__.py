"""The client library of ecrkeeper."""
