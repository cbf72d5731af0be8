"""Runners: how a use case's stages and batches are carried out, retried and shown. `interface` is the contract."""
