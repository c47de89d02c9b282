"""Makes AWS match what is desired: claims due rows, takes one step on each, says when to look again."""
