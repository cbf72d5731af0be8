"""Stores: places that hold bags. `interface` is the contract, `open` the way in."""
