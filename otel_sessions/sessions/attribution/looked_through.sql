-- Since when receivers may have left traces in doubt, unix seconds: all of time, where none was ever on record.
SELECT if(count() = 0, 0, toUnixTimestamp(min(Through) - INTERVAL 60 SECOND)) FROM _attribution_progress FINAL
