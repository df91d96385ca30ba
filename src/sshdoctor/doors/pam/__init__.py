"""PAM: its stacks, the words that control them, and what the modules say."""
