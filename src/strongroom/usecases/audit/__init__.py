"""The fixity audit: stored bytes are read again and compared with the digests they should have."""
