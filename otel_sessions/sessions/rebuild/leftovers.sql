-- What rebuilds have made and not dropped, views first: an insert fails on a view whose table is gone.
SELECT name, engine = 'MaterializedView' AS IsView, toUInt32OrZero(comment) AS AliveAt
FROM system.tables
WHERE database = currentDatabase() AND match(name, '_rebuild_[0-9a-f]{8}$')
ORDER BY IsView DESC, name
