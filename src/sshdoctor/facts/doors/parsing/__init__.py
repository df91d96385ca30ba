"""What the facts about doors share."""
