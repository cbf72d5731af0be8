"""What Strongroom does, each thing once: archive, restore, verify, … Written against stores, the catalogue and a Runner."""
