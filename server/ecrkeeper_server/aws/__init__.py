"""AWS behind one asynchronous call; nothing above this package knows the transport."""
