SELECT * FROM session_ends
