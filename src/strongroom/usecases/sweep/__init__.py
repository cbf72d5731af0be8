"""Removing what no bag needs and what was withdrawn: `run.sweep` is the whole. Nothing is imported here: workers import single modules."""
