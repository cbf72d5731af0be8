"""What was done lately: `run.report` makes the digest, `words` says it."""
