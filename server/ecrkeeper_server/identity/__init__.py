"""Authentication: who a certificate or a bearer token speaks for."""
