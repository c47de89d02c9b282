"""Tables and all queries. Only this package contains SQL."""
