"""Running the bot: health, logs, cleanup, the data folder's lock, benchmarks of the service."""
