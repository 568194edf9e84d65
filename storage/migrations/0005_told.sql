-- The last state that the owner was told of in the portrait's one message; '' after each change of state, until that is
-- said, too. What a killed process or an ill Telegram has left unsaid is said at the next start. Of earlier rows all
-- counts as said.

ALTER TABLE portraits ADD COLUMN told TEXT NOT NULL DEFAULT '';
UPDATE portraits SET told = state WHERE state NOT LIKE 'awaiting_%' OR status_message IS NOT NULL;
