"""What kind of file a content is."""
