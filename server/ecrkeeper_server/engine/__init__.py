"""Makes AWS match what is desired: claims due rows, makes one attempt on each, and sets when to observe again."""
