"""What runs, mails and comes back on a host that should not: facts in, findings out."""

FACTS = ("identity", "running", "mechanisms", "site_files", "requests", "letters", "entries")
