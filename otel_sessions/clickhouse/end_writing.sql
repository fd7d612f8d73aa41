KILL QUERY WHERE position(query, {into:String}) > 0 AND query NOT LIKE 'KILL%' ASYNC
