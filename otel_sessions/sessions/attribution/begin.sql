-- Where none is on record, what others may have left is of all of time (looked_through).
INSERT INTO _attribution_progress (Receiver, Through)
SELECT {receiver:String}, if(count() = 0, toDateTime(60, 'UTC'), now('UTC'))
FROM _attribution_progress
HAVING countIf(Receiver = {receiver:String}) = 0
