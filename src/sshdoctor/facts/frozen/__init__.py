"""What an examination asks: what runs, what starts it, what it mails, who asked for it. No diagnosis asks it."""
