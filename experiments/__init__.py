"""The command line, the tasks, recording, comparison and reports: all that joins the families."""
