"""A fake Telegram on loopback: the Bot API's methods, users who write to the bot, and a chat page.

The bot runs against it unchanged, by another address. `fake_telegram.FakeTelegram` puts the parts together, `server`
serves them, `page/` is what a browser shows.
"""
