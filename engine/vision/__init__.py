"""Finds, recognises and frames faces in photos."""
