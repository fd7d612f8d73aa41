# SPDX-License-Identifier: Apache-2.0
"""What spans say of steps and model calls, in every dialect: kind, content, model, tokens, cost.

`columns` puts together what a processor writes: `content` previews, `steps` kinds and names, `usage` tokens and costs,
by the list of `prices`; `config` has all keys and bounds. `transcript` reads one stored span whole, for the
replay.
What clients write is understood in `messages` (chat messages and their parts), `json_text` (JSON in one text) and
`texts` (the same for a column of texts).
"""
