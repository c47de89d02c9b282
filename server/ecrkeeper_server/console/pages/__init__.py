"""The pages: each makes calls, and returns what its template shows."""
