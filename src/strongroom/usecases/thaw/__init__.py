"""Contents in cold storage classes: what it costs to have them, asking for them, and waiting (docs/decisions/0034-s3.md)."""
