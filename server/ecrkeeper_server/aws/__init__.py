"""AWS behind one asynchronous call; only this package knows the transport."""
