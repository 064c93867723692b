package dev.sennit.cli;

import java.util.Set;

/** Where the JVM enters the command {@code sennit}. */
public final class Main {
    private static final Set<String> VERSION = Set.of("--version", "-V");

    private Main() {}

    /**
     * Runs the command and ends the JVM with its exit code.
     *
     * @param args the command line
     */
    public static void main(String[] args) {
        if (args.length == 1 && VERSION.contains(args[0])) { // needs none of the classes that cost time to load
            System.out.println(Version.text());
            return;
        }
        System.exit(Sennit.run(Terminal.ofProcess(), args));
    }
}
