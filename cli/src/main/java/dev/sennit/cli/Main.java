package dev.sennit.cli;

import dev.sennit.cli.command.Terminal;
import java.util.Set;

/** The main class of the command {@code sennit}. */
public final class Main {
    private static final Set<String> VERSION = Set.of("--version", "-V");

    private Main() {}

    /**
     * Runs the command and ends the JVM with its exit code.
     *
     * @param args the command line
     */
    public static void main(String[] args) {
        if (args.length == 1 && VERSION.contains(args[0])) { // avoids loading the classes of the other commands
            System.out.println(Version.text());
            return;
        }
        System.exit(Sennit.run(Terminal.ofProcess(), args));
    }
}
