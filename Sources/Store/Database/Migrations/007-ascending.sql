-- Lists go newest first, and new cases come at the end: a B-tree that ascends grows there in full pages, and is read
-- backwards. Descending, each page was split in its middle and stayed half empty.
DROP INDEX cases_recent;
CREATE INDEX cases_recent ON cases (registered_at, id);
DROP INDEX cases_status;
CREATE INDEX cases_status ON cases (status, registered_at, id) WHERE status <> 'closed';
DROP INDEX cases_inbox;
CREATE INDEX cases_inbox ON cases (holder, status, registered_at, id);
