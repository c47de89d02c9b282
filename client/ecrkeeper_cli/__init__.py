"""The command line `ecrkeeper`; it needs the extra `cli`."""
