"""The commands, one module each; `entraclaw.bot.cli` loads only the one that runs."""
