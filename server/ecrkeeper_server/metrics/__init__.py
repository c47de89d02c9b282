"""Every metric of the server; docs/observability.md says what each means.

Nothing else imports prometheus_client: other modules hold one of the groups
below and call it. Children are bound once, so that counting takes well under a
microsecond; labels come from closed sets, never from what a caller sent.
"""
