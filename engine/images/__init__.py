"""Bytes, arrays and tensors of pictures. Knows no faces."""
