import Glibc

// Nothing else here: code of this file runs on the main actor, and a C callback formed here would trap elsewhere.
exit(Entry.run(CommandLine.arguments))
