"""Prefect flows: which use case runs, in which tasks, shown under which names. Thin: the work is in strongroom.usecases."""
