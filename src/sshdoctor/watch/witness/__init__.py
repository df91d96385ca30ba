"""Other machines that dial a target: hosts of the inventory, asked by a script over their first way in."""
