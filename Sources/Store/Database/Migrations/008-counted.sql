-- The writer counts days as it counts the figures, of the rows that it holds anyway: triggers copied every row once more.
-- What people did before 2000-01-01 20:30 UTC is left out.
DROP TRIGGER days_of_new ON cases;
DROP TRIGGER days_of_moved ON cases;
DROP TRIGGER days_of_none ON cases;
DROP FUNCTION add_to_days();
DROP FUNCTION move_in_days();
DROP FUNCTION forget_days();
UPDATE days SET registered = 0, answered = 0 WHERE at < '2000-01-01 20:30Z';

-- An earlier program that is still the writer would count no more: it is fenced, and ends.
UPDATE head SET token = -1 - token;
