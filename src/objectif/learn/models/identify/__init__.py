"""Networks that turn images into embeddings, by which identities are told."""
