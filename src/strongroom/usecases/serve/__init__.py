"""Which jobs run when, for whatever engine serves them."""
