"""Models that tell what is unlike good pictures: features of parts of a picture, and how far they are from those known."""
