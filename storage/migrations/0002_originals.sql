-- Whether the owner's message itself began a portrait (1), or "again" did, with the same photo (0). `again_of` cannot
-- tell: it becomes NULL when the portrait that it names is deleted.

ALTER TABLE portraits ADD COLUMN original INTEGER NOT NULL DEFAULT 1;
UPDATE portraits SET original = 0 WHERE again_of IS NOT NULL;

DROP INDEX portraits_by_message;
CREATE UNIQUE INDEX portraits_by_message ON portraits (chat, message) WHERE original;
