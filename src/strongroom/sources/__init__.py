"""Where a collection's files come from."""
