"""Keeping what bags need for as long as the policies of the stores say, by Object Lock (docs/decisions/0034-s3.md)."""
