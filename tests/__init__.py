"""Tests, and the longer trials that are started by name (`python -m tests.faults`). A package, so that no installed one takes its name."""
