"""Draws pets from parameters, one of which is age: pictures whose true younger self is known."""
