"""A small sample collection (corpus/sample, see corpus.prepare) and a generator of larger ones (corpus.generate)."""
