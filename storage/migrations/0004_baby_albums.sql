-- Telegram's media_group_id of the album that the baby photo came in: its other photos begin nothing.

ALTER TABLE portraits ADD COLUMN baby_album TEXT;
