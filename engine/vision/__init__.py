"""Finding and framing faces in a photo."""
