# SPDX-License-Identifier: Apache-2.0
"""The read side: sessions, their traces and timelines, out of the views."""
