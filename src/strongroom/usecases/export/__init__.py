"""Export: bags as other institutions want them, in forms other than a store's (docs/decisions/0018-export.md)."""
