-- Whether a result is on its way to the messenger just now: a process that is killed then cannot know whether it
-- arrived, and sends it no second time by itself. And the press that asked for it last: handed out again after a kill,
-- it asks for nothing more.

ALTER TABLE results ADD COLUMN sending INTEGER NOT NULL DEFAULT 0;
ALTER TABLE results ADD COLUMN press TEXT NOT NULL DEFAULT '';
