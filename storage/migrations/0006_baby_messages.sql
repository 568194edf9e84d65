-- The owner's message with the baby photo: when it is handed out again after a kill, it begins nothing.

ALTER TABLE portraits ADD COLUMN baby_message INTEGER;
