"""Running the bot: health, logs, cleanup, the lock of the data folder, load measurements."""
