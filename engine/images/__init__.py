"""Reads, converts and warps pictures. Knows nothing of faces."""
