"""The catalogue of ECR's service-linked roles, and plans for them; no I/O."""
