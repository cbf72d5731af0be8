"""What a content says, as far as likeness goes: text cut into shingles, pictures hashed. For worker processes; every input is hostile."""
