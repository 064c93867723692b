package dev.sennit.cli.command;

import java.io.Console;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The input and output of a command.
 *
 * <p>On a terminal the last line may be a progress bar on stderr, which is wiped before a line is printed; its owner
 * draws it again. Elsewhere there is no bar and no colour.
 */
public final class Terminal {
    private static final String WIPE = "\r\u001b[K";

    private final InputStream in;
    private final PrintStream out;
    private final PrintStream err;
    private final boolean interactive;
    private final boolean coloured;
    /** Whether a bar is on the screen. Written with this object's lock; {@link #silence} reads it without. */
    private volatile boolean barShown;
    /** Set once, by the thread that ends the JVM after a signal. */
    private volatile boolean silent;

    public Terminal(InputStream in, PrintStream out, PrintStream err, boolean interactive, boolean coloured) {
        this.in = in;
        this.out = out;
        this.err = err;
        this.interactive = interactive;
        this.coloured = coloured;
    }

    public static Terminal ofProcess() {
        Console console = System.console();
        boolean interactive = console != null && console.isTerminal();
        String noColour = System.getenv("NO_COLOR");
        boolean coloured = interactive
                && (noColour == null || noColour.isEmpty())
                && !"dumb".equals(System.getenv("TERM"));
        return new Terminal(System.in, System.out, System.err, interactive && stderrIsTerminal(), coloured);
    }

    /** Returns whether stderr is a terminal; {@link Console} knows only about stdin and stdout. */
    private static boolean stderrIsTerminal() {
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/2")).toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (IOException | UnsupportedOperationException e) {
            return true; // no /proc here: assume that it is where stdout is
        }
    }

    public InputStream in() {
        return in;
    }

    public PrintStream out() {
        return out;
    }

    public PrintStream err() {
        return err;
    }

    public boolean interactive() {
        return interactive;
    }

    public boolean coloured() {
        return coloured;
    }

    /** Redirects the output of tasks and workers to stderr, so that only the command's own lines are on stdout. */
    public void keepOutputForCommand() {
        if (out == System.out) {
            System.setOut(System.err);
        }
    }

    /**
     * Prints a line on stdout, at once.
     *
     * @throws ClosedOutputException if the reader of stdout has closed it
     */
    public synchronized void line(String text) {
        if (silent) {
            return;
        }
        wipeBar();
        out.println(text);
        if (out.checkError()) {
            throw new ClosedOutputException();
        }
    }

    /** Prints a line on stderr, after {@code sennit: }. */
    public void error(String text) {
        note(bold("sennit:") + " " + text);
    }

    /** Prints a line on stderr, as it is. */
    public synchronized void note(String text) {
        if (silent) {
            return;
        }
        wipeBar();
        out.flush();
        err.println(text);
        err.flush();
    }

    public synchronized void bar(String text) {
        if (interactive && !silent) {
            err.print(WIPE + text);
            err.flush();
            barShown = true;
        }
    }

    public synchronized void wipeBar() {
        if (barShown) {
            err.print(WIPE);
            err.flush();
            barShown = false;
        }
    }

    /**
     * Prints nothing from now on: after a signal, failures of interrupted work are no news.
     *
     * <p>Takes no lock: a thread that prints may hold the lock as long as its output is not read.
     */
    public void silence() {
        silent = true;
        if (barShown) {
            err.print(WIPE);
            err.flush();
        }
    }

    public String bold(String text) {
        return paint("1", text);
    }

    public String green(String text) {
        return paint("32", text);
    }

    public String red(String text) {
        return paint("31", text);
    }

    private String paint(String code, String text) {
        return coloured ? "\u001b[" + code + "m" + text + "\u001b[0m" : text;
    }

    /** The reader of stdout has closed it, as {@code | head -1} does: the command ends silently. */
    public static final class ClosedOutputException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        ClosedOutputException() {
            super("stdout is closed");
        }
    }
}
