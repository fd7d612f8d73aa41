"""The read side: sessions, their traces and timelines, out of the views."""
