"""Making the catalogue again from stores alone (docs/decisions/0014-rebuild.md)."""
