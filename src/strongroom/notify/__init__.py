"""Messages to people: where to (addresses), and sending them."""
