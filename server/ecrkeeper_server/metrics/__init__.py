"""All metrics of the server; docs/observability.md documents them.

No other package imports prometheus_client: others get one of the groups below and call it. Children
are bound once, so that counting takes well under a microsecond. Label values come from closed sets,
never from a caller's input.
"""
