"""Tables and every query. Nothing above this package speaks SQL."""
