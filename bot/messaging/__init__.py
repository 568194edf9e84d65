"""Telegram: sends messages and progress, receives updates, translates its errors."""
