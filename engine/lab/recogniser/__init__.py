"""How the recogniser's own weights were made: one command each, on photos marked by hand."""
