-- Which file Telegram's file_id stands for: of one file there are many ids, and an edited message may carry another.

ALTER TABLE portraits ADD COLUMN file_unique_id TEXT NOT NULL DEFAULT '';
