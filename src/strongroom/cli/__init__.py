"""The command line: one file per verb, each parse → compose → call → print."""
