"""Commands beside `serve`, `migrate` and `check-config`: one module each, with `add` and what it runs."""
