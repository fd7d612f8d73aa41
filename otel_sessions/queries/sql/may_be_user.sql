-- Whether any session may have turns of a user: certain where it finds nothing.
SELECT 1
FROM
(
${may_have_user}
)
LIMIT 1
