# SPDX-License-Identifier: Apache-2.0
"""What spans say of steps and model calls, in every dialect: kind, content, model, tokens, cost.

`steps` puts together what a processor writes, and finds kinds and names; `content` makes previews, `usage` tokens and
costs, by the list of `prices`; `config` has all keys and bounds. `transcript` reads one stored span whole, for the
replay.
What clients write is understood in `messages` (chat messages and their parts), `json_text` (JSON in one text) and
`attributes` (the same for columns, with marks and metadata).
"""
