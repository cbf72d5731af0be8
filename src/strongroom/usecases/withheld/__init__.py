"""Contents that were taken down on purpose (docs/format.md, section 13): which they are, and how others are told."""
