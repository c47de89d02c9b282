"""The IAM rights that the server needs in an account, from the tables that it works by; pure, no I/O."""
