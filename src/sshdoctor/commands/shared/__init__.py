"""What the commands share: options, the checks and playbooks there are, many hosts at once, exit codes."""
