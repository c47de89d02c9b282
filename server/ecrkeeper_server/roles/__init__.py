"""ECR's service-linked roles: the catalogue and what to do next; no I/O."""
