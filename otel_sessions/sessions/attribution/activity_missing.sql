-- By how much what was summed of the turns of the sessions given is more than what was told of them, where it is. `told` are the
-- sums that they had before their turns are read here: of an insert under way, sums may be told that would stand for some that
-- are missing, so its turns must be among those that are read.
WITH arrayMap((stored, told) -> greatest(stored - told, 0),
${../parts/activity_sums}
    , arrayResize(g.Sums, 14)) AS missing
SELECT t.Project AS Project, t.SessionId AS SessionId, arrayMap(total -> toString(total), missing) AS Missing
${activity_beside_given}
WHERE arrayExists(total -> total > 0, missing)
