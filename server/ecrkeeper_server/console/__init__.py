"""The web console: pages in HTML about what the API answers."""
