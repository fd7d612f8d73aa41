-- Rows for a spreadsheet: COLUMNS are texts of ours that put a quote before what it would take for a formula, SPANS the rows.
SELECT COLUMNS
FROM
(
    SPANS
)
