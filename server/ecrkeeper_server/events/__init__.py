"""Events of AWS: parsing, targets and origin; pure, no I/O."""
