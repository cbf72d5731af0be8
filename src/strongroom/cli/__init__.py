"""The command line: parse, compose, call, print. One file a verb, imported when it is used."""
