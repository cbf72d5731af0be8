"""The reading room over HTTP. Imported only by `strongroom browse`."""
