# SPDX-License-Identifier: Apache-2.0
"""What spans say of steps and model calls, in every dialect: kind, content, model, tokens, cost."""
