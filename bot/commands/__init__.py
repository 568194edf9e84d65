"""What one types after `throwback`: a module a command, with `add_arguments(parser)` and `run(args) -> int`."""
