"""Identifying what is stored already, without its source: with newer signatures, or for the first time."""
