-- In `messages` the number 0 stands for what may be in a chat under a number that nobody knows: an upload whose answer
-- was lost, or what stayed behind when a group became a supergroup. Of earlier results it is not known any more why
-- theirs is 0.

INSERT INTO messages SELECT DISTINCT p.id, p.chat, 0
FROM results r JOIN portraits p ON p.id = r.portrait WHERE r.message = 0;
