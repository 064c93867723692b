package dev.sennit.cli.servers;

import dev.sennit.internal.SignalSender;
import dev.sennit.internal.SystemSignals;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The signals to this process, which are for the command that it runs. Before there is one, a signal interrupts the
 * thread that made this object, which has yet to undo what it has begun. A signal that this process was started with as
 * ignored stays so ({@code nohup}).
 */
final class PassedSignals implements AutoCloseable {
    private static final List<String> NAMES = List.of("INT", "TERM", "HUP");
    private static final int OF_SIGNALS = 128;
    private static final int RADIX = 16;
    // Fields of /proc/self/stat, counted from the third.
    private static final int GROUP = 2;
    private static final int TERMINAL = 4;
    private static final int FOREGROUND = 5;

    private final Thread starting = Thread.currentThread();
    private final List<SystemSignals.Handled> handled = new ArrayList<>();
    /** Guarded by this. */
    private @Nullable Process command;
    /** Guarded by this. The first signal that came before there was a command; 0 if none did. */
    private int early;
    /** Guarded by this. */
    private boolean paused;

    PassedSignals() {
        long ignored = ignored();
        for (String name : NAMES) {
            int number = SignalSender.numberOf(name);
            if ((ignored & 1L << number - 1) == 0) {
                handled.add(SystemSignals.handle(name, () -> {
                    came(name, number);
                    return true;
                }));
            }
        }
    }

    private static long ignored() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
                if (line.startsWith("SigIgn:")) {
                    return Long.parseUnsignedLong(line.substring("SigIgn:".length()).strip(), RADIX);
                }
            }
        } catch (IOException e) {
            // not told here
        }
        return 0;
    }

    private void came(String name, int number) {
        Process receiver;
        synchronized (this) {
            if (paused) {
                return;
            }
            receiver = command;
            if (receiver == null) {
                if (early == 0) {
                    early = number;
                    starting.interrupt();
                }
                return;
            }
        }
        if (name.equals("INT") && isInForeground()) {
            return; // the terminal sends it to the whole group
        }
        try {
            SignalSender.send(receiver.toHandle(), number);
        } catch (IOException e) {
            // the command has changed its user: it gets no signals from here
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static boolean isInForeground() {
        try {
            String stat = Files.readString(Path.of("/proc/self/stat"));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            return !fields[TERMINAL].equals("0") && fields[GROUP].equals(fields[FOREGROUND]);
        } catch (IOException e) {
            return System.console() != null;
        }
    }

    /** Starts the command, which gets the signals from now on. */
    synchronized Process start(ProcessBuilder builder) throws IOException, InterruptedException {
        if (early != 0) {
            throw new InterruptedException();
        }
        Process started = builder.start();
        command = started;
        return started;
    }

    /** Has signals do nothing any more. */
    void pause() {
        synchronized (this) {
            paused = true;
        }
        Thread.interrupted(); // of a signal that came at the last moment
    }

    /** What tells that a signal has ended this. */
    synchronized int exitCode() {
        return OF_SIGNALS + early;
    }

    @Override
    public void close() {
        handled.forEach(SystemSignals.Handled::restore);
    }
}
