"""Applications: each a slice of its own, from a problem to advice; they never import each other, nor what trains."""
