"""Fixity of cold objects without thawing them: the provider computes their checksums where they lie, and they are compared with ours."""
