"""Measures speed and results of the product."""
