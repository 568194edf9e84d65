"""The commands of `python -m engine`: a module each, with `main(arguments) -> int`."""
