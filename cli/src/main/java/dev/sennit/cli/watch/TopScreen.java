package dev.sennit.cli.watch;

import dev.sennit.internal.Quietly;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jline.terminal.Attributes;
import org.jline.terminal.Size;
import org.jline.terminal.TerminalBuilder;
import org.jline.utils.AttributedString;
import org.jline.utils.Curses;
import org.jline.utils.Display;
import org.jline.utils.InfoCmp.Capability;
import org.jline.utils.NonBlockingReader;

/**
 * The whole screen of a terminal, which comes back as it was when this is closed or the JVM ends. Keys are read without
 * a line's end.
 */
final class TopScreen implements AutoCloseable {
    private static final Pattern CONTROL = Pattern.compile("\\p{Cntrl}");
    private static final int END_OF_TRANSMISSION = 4;
    private static final int DEFAULT_WIDTH = 80;
    private static final int DEFAULT_HEIGHT = 24;

    private final org.jline.terminal.Terminal terminal;
    private final Attributes before;
    private final Display display;
    /** What brings the screen back. */
    private final String asBefore;

    private final Thread atExit = new Thread(this::restore, "sennit-screen");
    /** Guarded by this. */
    private boolean isRestored;

    private TopScreen(org.jline.terminal.Terminal terminal) {
        this.terminal = terminal;
        before = terminal.enterRawMode();
        asBefore = sequence(terminal, Capability.cursor_visible) + sequence(terminal, Capability.exit_ca_mode);
        display = new Display(terminal, true);
    }

    /**
     * Takes the screen.
     *
     * @throws IOException if there is none that can be drawn on
     */
    static TopScreen open() throws IOException {
        org.jline.terminal.Terminal terminal =
                TerminalBuilder.builder().system(true).provider("exec").dumb(false).build();
        boolean isOpen = false;
        try {
            if (terminal.getStringCapability(Capability.cursor_address) == null) {
                throw new IOException("terminal " + terminal.getType() + " has no cursor that can be moved");
            }
            var screen = new TopScreen(terminal);
            Runtime.getRuntime().addShutdownHook(screen.atExit);
            terminal.puts(Capability.enter_ca_mode);
            terminal.puts(Capability.cursor_invisible);
            terminal.flush();
            isOpen = true;
            return screen;
        } finally {
            if (!isOpen) {
                Quietly.close(terminal);
            }
        }
    }

    private static String sequence(org.jline.terminal.Terminal terminal, Capability capability) {
        String text = terminal.getStringCapability(capability);
        return text == null ? "" : Curses.tputs(text);
    }

    /** Shows as many lines as there is room for. */
    void show(List<String> lines) {
        int width = terminal.getColumns() > 0 ? terminal.getColumns() : DEFAULT_WIDTH;
        int height = terminal.getRows() > 0 ? terminal.getRows() : DEFAULT_HEIGHT;
        display.resize(Size.of(height, width));
        List<AttributedString> shown = fitting(lines, height).stream()
                .map(line -> CONTROL.matcher(line).replaceAll("?"))
                .map(line -> new AttributedString(line).columnSubSequence(0, width))
                .toList();
        display.update(shown, 0);
    }

    /** The first of the lines, and in the place of those without room how many there are. */
    static List<String> fitting(List<String> lines, int height) {
        if (lines.size() <= height) {
            return lines;
        }
        var first = new ArrayList<>(lines.subList(0, Math.max(0, height - 1)));
        first.add("... and " + (lines.size() - first.size()) + " more lines");
        return first;
    }

    /** Waits for a key that ends the view, for some time at most. */
    boolean isQuit(Duration limit) throws IOException {
        long end = System.nanoTime() + limit.toNanos();
        while (true) {
            long millis = (end - System.nanoTime()) / 1_000_000;
            int key = terminal.reader().read(Math.max(1, millis));
            if (key == NonBlockingReader.READ_EXPIRED) {
                return false;
            }
            if (key == 'q' || key == 'Q' || key == END_OF_TRANSMISSION || key == NonBlockingReader.EOF) {
                return true;
            }
        }
    }

    @Override
    public void close() {
        restore();
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException e) {
            // it runs
        }
    }

    private synchronized void restore() {
        if (!isRestored) {
            isRestored = true;
            try {
                terminal.writer().print(asBefore);
                terminal.flush();
                terminal.setAttributes(before);
            } catch (IllegalStateException e) { // closed by the library's own hook, with the attributes as before
                System.out.print(asBefore);
                System.out.flush();
            }
            Quietly.close(terminal);
        }
    }
}
