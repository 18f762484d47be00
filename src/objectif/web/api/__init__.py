"""Routes of the REST API below /api/v1, one resource a file."""
