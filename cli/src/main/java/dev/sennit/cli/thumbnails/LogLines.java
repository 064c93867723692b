package dev.sennit.cli.thumbnails;

import dev.sennit.cli.command.Terminal;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.temporal.ChronoUnit;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/** Prints the log of a part of the library, as lines of thread, time, level and message, until it is closed. */
final class LogLines extends Handler implements AutoCloseable {
    private static final SimpleFormatter MESSAGES = new SimpleFormatter();

    private final Terminal terminal;
    /** A strong reference, as the log manager holds only a weak one. */
    private final Logger logger;

    private LogLines(Terminal terminal, Logger logger) {
        this.terminal = terminal;
        this.logger = logger;
    }

    /** Begins to print the messages of a logger, down to level DEBUG. */
    static LogLines of(String name, Terminal terminal) {
        var lines = new LogLines(terminal, Logger.getLogger(name));
        lines.logger.addHandler(lines);
        lines.logger.setUseParentHandlers(false);
        lines.logger.setLevel(Level.FINE);
        return lines;
    }

    /** Called in the thread that logs. */
    @Override
    public void publish(LogRecord entry) {
        LocalTime time = LocalTime.ofInstant(entry.getInstant(), ZoneId.systemDefault()).truncatedTo(ChronoUnit.MILLIS);
        String level =
                entry.getLevel().equals(Level.FINE) ? System.Logger.Level.DEBUG.name() : entry.getLevel().getName();
        String thread = Thread.currentThread().getName();
        terminal.note(
                (thread.isEmpty() ? "#" + Thread.currentThread().threadId() : thread) + " " + time + " " + level + " "
                        + MESSAGES.formatMessage(entry));
    }

    @Override
    public void flush() {
        // each line is printed at once
    }

    @Override
    public void close() {
        logger.removeHandler(this);
        logger.setUseParentHandlers(true);
        logger.setLevel(null);
    }
}
