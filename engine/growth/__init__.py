"""How a face becomes younger."""
