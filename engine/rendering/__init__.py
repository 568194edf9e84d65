"""Pictures, films and cards of a portrait."""
