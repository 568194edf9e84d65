"""A Telegram of our own on loopback: a Bot API double, people to write to the bot, and a chat page.

The bot cannot tell it from the real service: it speaks HTTP to another address, that is all.
`fake_telegram.FakeTelegram` puts the parts together, `server` lets them be reached, `page/` is what a browser shows.
"""
