"""The grammar of BagIt bags (RFC 8493 and its drafts, versions 0.93 to 1.0): what tag files say, read and written."""
