"""What spans say of steps and model calls, in every dialect: kind, content, model, tokens, cost."""
