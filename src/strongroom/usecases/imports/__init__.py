"""Taking in bags that others made: received, validated as untrusted input, and archived with where they came from.

`run.import_bags` is the whole, `one.import_bag` what is done with each.
"""
