INSERT INTO _deletions
    (Project, DeletionId, Query, FromTime, ToTime, State, Found, Deleted, Error, CreatedAt, UpdatedAt)
SELECT
    {project:String}, {id:String}, {query:String},
    {from:Nullable(DateTime64(9, 'UTC'))}, {to:Nullable(DateTime64(9, 'UTC'))},
    {state:String}, {found:UInt64}, {deleted:UInt64}, {error:String},
    {created:DateTime64(9, 'UTC')}, {updated:DateTime64(9, 'UTC')}
