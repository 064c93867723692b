package dev.sennit.cli;

import picocli.CommandLine.Option;

/** What every command takes. */
final class CommonOptions {
    /** Read off the raw arguments by {@link Sennit}, as it concerns errors of parsing too. */
    static final String STACKTRACE = "--stacktrace";

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Print this help.")
    private boolean help;

    @Option(names = {"-V", "--version"}, versionHelp = true, description = "Print the version.")
    private boolean version;

    @Option(names = STACKTRACE, description = "Print the stack trace of an error after its line.")
    private boolean stacktrace;
}
