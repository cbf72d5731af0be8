"""Serialised bags (tar, tar.gz, zip) from strangers, unpacked into a staging folder within limits.

Each reader is our own: it makes regular files and folders and nothing else, and refuses whatever two programs might read differently.
"""
