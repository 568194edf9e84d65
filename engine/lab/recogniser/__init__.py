"""Trains and measures the networks that find heads and landmarks and tell breeds, on photos annotated by hand."""
