"""Contents in which a virus scanner found something: held at home, outside every store, until a person releases them."""
