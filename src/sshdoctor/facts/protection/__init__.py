"""What guards a host's logins against guessed passwords: asked for by ``protection`` alone."""
