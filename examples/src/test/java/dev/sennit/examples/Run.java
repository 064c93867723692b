package dev.sennit.examples;

/** What a program has printed, and how it ended. */
record Run(int exitCode, String output, String errors) {}
