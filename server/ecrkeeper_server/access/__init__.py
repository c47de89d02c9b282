"""Authorization: the policy file and its decisions; pure, no I/O."""
