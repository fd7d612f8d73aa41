SELECT
${../../sessions/parts/split_after}
AS SplitAfter
