"""The command line: one thin file per command. Only here is click known, and only here printed."""
