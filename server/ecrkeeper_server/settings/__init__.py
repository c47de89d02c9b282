"""The settings of a registry as maps of keyed elements; pure, no I/O."""
